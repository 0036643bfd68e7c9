/** A page that is one HTML file and opens anywhere: no scripts, nothing from elsewhere, light and dark, fit for print. */
import { escaped } from './escape.ts';
import { STYLE } from './html-style.ts';

/**
 * @param body HTML
 * @param style CSS beside that of all reports
 */
export const htmlPage = (title: string, body: string, style = ''): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${STYLE}${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;

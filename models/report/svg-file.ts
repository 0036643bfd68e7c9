/** A plot as a file of its own: the colours of a report come with it. */
import { STYLE } from './html-style.ts';
import type { Plot } from './report.ts';
import { plotSvg } from './svg-plot.ts';

export function plotSvgFile(plot: Plot): string {
  const style = STYLE.split('\n')
    .filter((line) => /^(:root|@media screen and \(prefers|\s+:root|\s+--c|\.plot|\}$)/.test(line))
    .join('\n');
  return (
    plotSvg(plot, 'plot').replace(/^<svg ([^>]*)>/, (_, attributes: string) => {
      return `<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>\n<style>\n${style}\n</style>`;
    }) + '\n'
  );
}

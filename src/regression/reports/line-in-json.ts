/** On which line of a text of JSON a value stands. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * @param text valid JSON
 * @param path keys, and places in lists; of what is not there the part that is
 * @returns from 1
 */
export function lineInJson(text: string, path: readonly PropertyKey[]): number {
  const here: (string | number)[] = [];
  let found = { depth: 0, index: 0 };
  let atKey = false;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === '}' || token === ']') here.pop();
    if (token === ',' && typeof here.at(-1) === 'number') here.push(Number(here.pop()) + 1);
    else if (token === ',') atKey = true;
    if ('}],:'.includes(token)) continue;
    if (atKey) here[here.length - 1] = JSON.parse(token) as string;
    atKey = token === '{';
    if (here.length > found.depth && here.every((key, i) => key === path[i])) found = { depth: here.length, index };
    if (token === '{') here.push('');
    if (token === '[') here.push(0);
  }
  return text.slice(0, found.index).split('\n').length;
}

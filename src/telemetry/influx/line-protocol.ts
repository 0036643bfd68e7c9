/**
 * InfluxDB line protocol, the one format of records: `cycle,rig=demo,source=simulator cycle=17i,cycle_ms=4.2 1790000000000000000`. The run
 * folder keeps these lines, InfluxDB gets the same ones. The reader is total: any text gives a point or undefined.
 * Source: InfluxDB 1.x documentation, "Line protocol reference".
 */
export type FieldValue = number | bigint | string | boolean;

export interface Point {
  measurement: string;
  tags: Readonly<Record<string, string>>;
  /** bigint is written as an integer, number as a float. What is not finite is left out, because the server refuses it. */
  fields: Readonly<Record<string, FieldValue | undefined>>;
  timeNs: bigint;
}

/** One line without its newline; undefined when no field is left to write. */
export function encodePoint({ measurement, tags, fields, timeNs }: Point): string | undefined {
  const write = pointWriter(measurement, Object.keys(tags), Object.keys(fields));
  return write(Object.values(tags), Object.values(fields), timeNs);
}

/** A whole number that is written as an integer: for lines that come with every cycle, where a bigint for each takes longer than its digits. */
export interface WholeNumber {
  readonly whole: number;
}

/** Writes points of one kind: values in the order of the names. */
type PointWriter = (
  tags: readonly string[],
  fields: readonly (FieldValue | WholeNumber | undefined)[],
  timeNs: bigint | string,
) => string | undefined;

/** For points that come with every cycle: what they are called is written once. */
export function pointWriter(measurement: string, tagNames: readonly string[], fieldNames: readonly string[]): PointWriter {
  const start = escapeName(measurement);
  const tagKeys = tagNames.map((name) => `,${escapeName(name)}=`);
  const fieldKeys = fieldNames.map((name) => `${escapeName(name)}=`);
  return (tags, fields, timeNs) => {
    let line = start;
    for (let i = 0; i < tagKeys.length; i++) if (tags[i] !== '') line += tagKeys[i] + escapeName(tags[i]);
    let separator = ' ';
    for (let i = 0; i < fieldKeys.length; i++) {
      const written = fieldText(fields[i]);
      if (written === undefined) continue;
      line += separator + fieldKeys[i] + written;
      separator = ',';
    }
    return separator === ' ' ? undefined : `${line} ${timeNs}`;
  };
}

function fieldText(value: FieldValue | WholeNumber | undefined): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  if (typeof value === 'bigint') return `${value}i`;
  if (typeof value === 'string') return `"${/["\\\r\n\0]/.test(value) ? oneLine(value).replace(/["\\]/g, '\\$&') : value}"`;
  if (typeof value === 'object') return `${value.whole}i`;
  return value === undefined ? undefined : String(value);
}

// The same few dozen names come with every cycle, so their written forms are kept; a bound keeps odd ones from piling up.
const writtenNames = new Map<string, string>();

function escapeName(text: string): string {
  const known = writtenNames.get(text);
  if (known !== undefined) return known;
  // In names a backslash cannot be escaped and a quote is no quote, so neither is let in.
  const written = oneLine(text).replaceAll('\\', '/').replaceAll('"', "'").replace(/[ ,=]/g, '\\$&');
  if (writtenNames.size < 1000) writtenNames.set(text, written);
  return written;
}

const oneLine = (text: string): string => text.replace(/[\r\n\0]+/g, ' ');

/** Reads one line back. Undefined for anything that is not a whole point with a time. */
export function parseLine(line: string): Point | undefined {
  const [series = '', fieldText = '', time = '', ...rest] = splitOutside(line, ' ');
  if (rest.length > 0 || !/^-?\d{1,19}$/.test(time)) return undefined;
  const [measurement = '', ...tagTexts] = splitOutside(series, ',');
  if (measurement === '') return undefined;
  const tags: [string, string][] = [];
  for (const text of tagTexts) {
    const [key, value, ...more] = splitOutside(text, '=');
    if (key === undefined || key === '' || value === undefined || more.length > 0) return undefined;
    tags.push([unescapeName(key), unescapeName(value)]);
  }
  const fields: [string, FieldValue][] = [];
  for (const text of splitOutside(fieldText, ',')) {
    const [key, raw, ...more] = splitOutside(text, '=');
    if (key === undefined || key === '' || raw === undefined || more.length > 0) return undefined;
    const value = parseField(raw);
    if (value === undefined) return undefined;
    fields.push([unescapeName(key), value]);
  }
  return {
    measurement: unescapeName(measurement),
    tags: Object.fromEntries(tags),
    fields: Object.fromEntries(fields),
    timeNs: BigInt(time),
  };
}

function parseField(raw: string): FieldValue | undefined {
  if (raw === 'true' || raw === 'false') return raw === 'true';
  if (/^-?\d{1,19}i$/.test(raw)) return BigInt(raw.slice(0, -1));
  if (raw.length >= 2 && raw.startsWith('"') && raw.endsWith('"')) return raw.slice(1, -1).replace(/\\(["\\])/g, '$1');
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(raw) ? Number(raw) : undefined;
}

const unescapeName = (text: string): string => text.replace(/\\([ ,=])/g, '$1');

/** Splits at a separator that is neither escaped nor inside a quoted string. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/**
 * The `links` of a rig file: on which wires its panels are, which elements of the array each of them has, and how frames are authenticated.
 * Here are their schema, what must fit together (checked on the unread file too, so that all problems come out at once), and the reading
 * into `RigLink`, which has every default applied and every path resolved.
 */
import { counted } from '../../core/errors/counted.ts';
import * as z from 'zod';
import { MAX_TEXT_BYTES } from '../../firmware-protocol/limits.ts';
import { looksLikeKey } from '../../core/errors/variable-name.ts';
import { pathFrom } from '../../core/files/home-path.ts';
import { wrongInPanel, wrongInPrefix } from '../link/mqtt/mqtt-topics.ts';
import { mapProblems, parseElements } from './element-map.ts';
import { nearest, type Problem } from './rig-problems.ts';

const environmentVariable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
  .refine((name) => !looksLikeKey(name))
  .meta({ allowed: 'the name of an environment variable', unshown: true });

const filePath = z.string().min(1).max(1000);
const FROM_HERE = 'relative to the folder of the rig file';

const serialSchema = z
  .strictObject({
    path: filePath
      .meta({ allowed: 'the path of a port' })
      .describe('The port: /dev/ttyUSB0, or better its name under /dev/serial/by-id, which stays. `beamrig panels` lists them.'),
    baudRate: z.int().min(1).max(20_000_000).default(921_600).describe('Bits a second on the line.'),
  })
  .describe('A serial port.');

const mqttSchema = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .max(1000)
      .meta({ allowed: 'mqtt://host or mqtts://host, with a port where it is not 1883 or 8883', unshown: true })
      .describe('The broker: mqtt://127.0.0.1:1883, or mqtts://… for TLS. User and password do not belong in it.'),
    topicPrefix: z
      .string()
      .refine((prefix) => wrongInPrefix(prefix) === undefined)
      .default('beamrig')
      .meta({
        allowed: 'topic levels without + and # and control characters, none empty, not beginning with $, 200 bytes at most',
      })
      .describe('First levels of every topic: `<topicPrefix>/panels/<panel>/to-panel` and so on.'),
    username: z.string().min(1).max(200).optional().describe('User, where the broker asks for one.'),
    passwordEnv: environmentVariable
      .optional()
      .describe(
        'Name of the environment variable that holds the password: rig files are copied into run folders, passwords are not.',
      ),
    caFile: filePath
      .optional()
      .describe(`Certificate of the authority that signed the broker’s, PEM, ${FROM_HERE}. Default: those the system trusts.`),
    certificateFile: filePath.optional().describe(`Own certificate, PEM, ${FROM_HERE}, for brokers that ask for one.`),
    keyFile: filePath.optional().describe(`Its private key, PEM, ${FROM_HERE}.`),
  })
  .describe('A broker that the panel is connected to, too.');

export const linkSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9/][A-Za-z0-9._:/-]{0,63}$/)
      .optional()
      .meta({ allowed: '1 to 64 letters, digits, dots, colons, dashes, slashes or underscores' })
      .describe('How messages call the link. Default: the port, or the panel.'),
    panel: z
      .string()
      .min(1)
      .max(32)
      .optional()
      .describe(
        'Serial number of the panel at its other end; another panel is refused. Needed with mqtt and with authentication.',
      ),
    elements: z
      .union([z.string(), z.array(z.union([z.string(), z.int()]))])
      .optional()
      .meta({ allowed: "'0-31', or a list like [ '0-15', 40, '48-63' ]" })
      .describe(
        'Which elements of the array the panel’s own are, in its order; a range may count down. Needed with several links: every element is on exactly one. Default: all.',
      ),
    serial: serialSchema.optional(),
    mqtt: mqttSchema.optional(),
  })
  .meta({ allowed: 'a block with serial or mqtt' })
  .describe('A link has either `serial` or `mqtt`.');

export const authenticationSchema = z
  .strictObject({
    keyFile: filePath
      .optional()
      .describe(`File of mode 0600 with the key of the rig, 16 to 64 bytes as hex or base64 text, ${FROM_HERE}.`),
    keyEnv: environmentVariable.optional().describe('Or the environment variable that holds it.'),
  })
  .describe('Frames carry a keyed tag, and others are refused. One of the two; the key itself is never in this file.');

export interface MqttAddress {
  url: string;
  topicPrefix: string;
  username?: string;
  passwordEnv?: string;
  /** Absolute. */
  caFile?: string;
  certificateFile?: string;
  keyFile?: string;
}

/** A link as read: defaults applied, elements listed one by one, paths absolute. */
export type RigLink = {
  name: string;
  /** Element of the array for each of the panel's own, in its order. */
  elements: number[];
} & (
  | { kind: 'serial'; panel?: string; serial: { path: string; baudRate: number } }
  | { kind: 'mqtt'; panel: string; mqtt: MqttAddress }
);

export type LinkText = z.output<typeof linkSchema>;

/**
 * Links that were found to be right, read.
 * @param total N of the array
 * @param folder of the rig file
 */
export function readLinks(links: readonly LinkText[], total: number, folder: string): RigLink[] {
  return links.map((link): RigLink => {
    const parsed = link.elements === undefined ? undefined : parseElements(link.elements, total);
    const elements = parsed?.ok ? parsed.elements : Array.from({ length: total }, (_, element) => element);
    const name = nameOf(link);
    if (link.mqtt !== undefined) {
      return { name, elements, kind: 'mqtt', panel: link.panel ?? '', mqtt: absolutePaths(link.mqtt, folder) };
    }
    const { path, baudRate } = link.serial ?? { path: '', baudRate: 0 };
    const serial = { path: portPath(path, folder), baudRate };
    return { name, elements, kind: 'serial', ...(link.panel === undefined ? {} : { panel: link.panel }), serial };
  });
}

/** 'COM3' is a name and no path. */
const portPath = (path: string, folder: string): string => (path.includes('/') ? pathFrom(folder, path) : path);

const nameOf = ({ name, panel, serial }: { name?: unknown; panel?: unknown; serial?: unknown }): string => {
  const path = typeof serial === 'object' && serial !== null ? (serial as { path?: unknown }).path : undefined;
  return [name, path, panel].find((text) => typeof text === 'string') ?? 'link';
};

function absolutePaths(mqtt: NonNullable<LinkText['mqtt']>, folder: string): MqttAddress {
  const { url, topicPrefix, username, passwordEnv, ...files } = mqtt;
  const absolute = Object.entries(files).flatMap(([key, file]) => (file === undefined ? [] : [[key, pathFrom(folder, file)]]));
  return {
    url,
    topicPrefix,
    ...(username === undefined ? {} : { username }),
    ...(passwordEnv === undefined ? {} : { passwordEnv }),
    ...(Object.fromEntries(absolute) as Pick<MqttAddress, 'caFile' | 'certificateFile' | 'keyFile'>),
  };
}

type Raw = Record<string, unknown>;
const isBlock = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What does not fit together among links, of a file that may be wrong in other ways, too.
 * @param total N, where it is known
 * @param authenticated the rig authenticates its frames
 * @param folder of the rig file
 */
export function linkProblems(links: unknown, total: number | undefined, authenticated: boolean, folder: string): Problem[] {
  if (!Array.isArray(links)) return [];
  const problems: Problem[] = [];
  const entries = links.map((link: unknown, index) => ({ link, index })).filter((entry) => isBlock(entry.link)) as {
    link: Raw;
    index: number;
  }[];
  for (const { link, index } of entries) {
    const say = (path: PropertyKey[], text: string): number => problems.push({ path: ['links', index, ...path], text });
    const here = `links[${index}]`;
    const kinds = ['serial', 'mqtt'].filter((kind) => link[kind] !== undefined);
    if (kinds.length !== 1)
      say([], `${here}: ${kinds.length === 0 ? 'neither serial nor mqtt' : 'serial and mqtt'}; allowed: one of the two`);
    const missing = `missing; allowed: the serial number of the panel, which `;
    if (link.panel === undefined && kinds[0] === 'mqtt') say([], `${here}.panel: ${missing}is part of its topics`);
    else if (link.panel === undefined && authenticated) say([], `${here}.panel: ${missing}its key is derived from`);
    else if (typeof link.panel === 'string' && link.panel !== '') {
      const wrong = kinds[0] === 'mqtt' ? wrongInPanel(link.panel) : undefined;
      const shown = `${here}.panel: ${JSON.stringify(link.panel)}`;
      const bytes = Buffer.byteLength(link.panel);
      if (wrong !== undefined)
        say(['panel'], `${shown} has ${wrong}, and is part of topics; allowed: no / + # and no control character`);
      else if (bytes > MAX_TEXT_BYTES && link.panel.length <= MAX_TEXT_BYTES)
        say(['panel'], `${shown} has ${counted(bytes, 'byte')}; allowed: ${MAX_TEXT_BYTES}, as many as a panel can say`);
    }
    if (isBlock(link.mqtt)) for (const [key, text] of mqttProblems(link.mqtt)) say(['mqtt', key], `${here}.mqtt.${key}: ${text}`);
  }
  problems.push(...elementProblems(entries, total), ...twice(entries, folder));
  return problems;
}

/** Key and words. */
function* mqttProblems(mqtt: Raw): Generator<[string, string]> {
  const { url } = mqtt;
  let secure: boolean | undefined;
  if (typeof url === 'string' && url !== '') {
    const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
    const problem = urlProblem(url, scheme);
    if (problem !== undefined) yield ['url', problem];
    secure = scheme === 'mqtts' ? true : scheme === 'mqtt' ? false : undefined;
  }
  if (mqtt.passwordEnv !== undefined && mqtt.username === undefined) yield ['passwordEnv', 'a password needs a username'];
  for (const [one, other] of [
    ['certificateFile', 'keyFile'],
    ['keyFile', 'certificateFile'],
  ]) {
    if (mqtt[one] !== undefined && mqtt[other] === undefined) yield [one, `needs ${other} beside it`];
  }
  for (const key of ['caFile', 'certificateFile', 'keyFile']) {
    if (mqtt[key] !== undefined && secure === false) yield [key, 'certificates need TLS; write url: mqtts://…'];
  }
}

function urlProblem(url: string, scheme: string | undefined): string | undefined {
  const allowed = 'allowed: mqtt://host:port or mqtts://host:port';
  // What has an @ may hold a password anywhere.
  const shown = url.includes('@') ? 'what stands here' : JSON.stringify(url);
  if (scheme === undefined) return `${shown} has no scheme; ${allowed}`;
  if (scheme !== 'mqtt' && scheme !== 'mqtts') {
    const near = nearest(scheme, ['mqtt', 'mqtts']) ?? (/s$|^ssl|^tls/.test(scheme) ? 'mqtts' : 'mqtt');
    return `${scheme}: is no scheme of a broker; ${allowed}; did you mean ${near}:?`;
  }
  if (/^[a-z]+:\/\/[^/]*@/i.test(url)) {
    return 'names a user or password; use username and passwordEnv, because rig files are copied into run folders';
  }
  const [, host, port] = /^[a-z]+:\/\/(\[[^\]]*\]|[^/?#:]*)(?::([^/?#]*))?/i.exec(url) ?? [];
  if (host === '') return `${shown} names no host; ${allowed}`;
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    return `${shown} has ${port === '' ? 'an empty port' : 'a port that is none'}; allowed: a port from 1 to 65535`;
  }
  if (host === undefined || !URL.canParse(url)) return `${shown} is no address; ${allowed}`;
  if (/[?#]/.test(url) || !['', '/'].includes(new URL(url).pathname)) {
    return `${shown} has something after host and port; ${allowed}`;
  }
  return undefined;
}

function elementProblems(entries: { link: Raw; index: number }[], total: number | undefined): Problem[] {
  const problems: Problem[] = [];
  const label = ({ link, index }: { link: Raw; index: number }): string => `links[${index}] (${nameOf(link)})`;
  const maps: { label: string; elements: readonly number[] }[] = [];
  for (const entry of entries) {
    const { link, index } = entry;
    const path = ['links', index, 'elements'];
    const { elements } = link;
    if (elements === undefined) {
      if (entries.length > 1) {
        problems.push({
          path: ['links', index],
          text: `links[${index}].elements: missing; with several links each names its elements`,
        });
      } else if (total !== undefined) maps.push({ label: label(entry), elements: Array.from({ length: total }, (_, n) => n) });
      continue;
    }
    const isText = (value: unknown): value is string | number =>
      typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value));
    if (typeof elements !== 'string' && !(Array.isArray(elements) && elements.every(isText))) continue; // the schema says it
    const parsed = parseElements(elements, total);
    if (parsed.ok) maps.push({ label: label(entry), elements: parsed.elements });
    else problems.push({ path, text: `links[${index}].elements: ${parsed.problem}` });
  }
  // Half a map has holes of its own making.
  if (total === undefined || entries.length === 0 || maps.length < entries.length) return problems;
  return [...problems, ...mapProblems(maps, total).map((text) => ({ path: ['links'], text: `links: ${text}` }))];
}

/** Names, panels and ports belong to one link each. */
function twice(entries: { link: Raw; index: number }[], folder: string): Problem[] {
  const seen = new Map<string, number>();
  const problems: Problem[] = [];
  for (const { link, index } of entries) {
    const written = isBlock(link.serial) ? link.serial.path : undefined;
    const path = typeof written === 'string' ? portPath(written, folder) : undefined;
    const named = link.name !== undefined ? [['name', ['name'], link.name]] : [];
    for (const [what, keys, value] of [...named, ['panel', ['panel'], link.panel], ['serial.path', ['serial', 'path'], path]] as [
      string,
      string[],
      unknown,
    ][]) {
      if (typeof value !== 'string') continue;
      const first = seen.get(`${what} ${value}`);
      if (first === undefined) seen.set(`${what} ${value}`, index);
      else {
        const shown = what === 'serial.path' ? written : value;
        const text = `links[${index}].${what}: ${JSON.stringify(shown)} is that of links[${first}] already`;
        problems.push({ path: ['links', index, ...keys], text });
      }
    }
  }
  const names = entries.map(({ link }) => nameOf(link));
  entries.forEach(({ link, index }, i) => {
    const first = names.indexOf(names[i]);
    if (first === i || problems.some(({ path }) => path[1] === index)) return;
    if (link.serial === undefined && link.mqtt === undefined) return;
    problems.push({
      path: ['links', index],
      text: `links[${index}]: is called ${names[i]} like links[${entries[first].index}]; give it a name`,
    });
  });
  return problems;
}

export function authenticationProblems(authentication: unknown): Problem[] {
  if (!isBlock(authentication)) return [];
  const given = ['keyFile', 'keyEnv'].filter((key) => authentication[key] !== undefined);
  if (given.length === 1) return [];
  const found = given.length === 0 ? 'neither keyFile nor keyEnv' : 'keyFile and keyEnv';
  return [{ path: ['authentication'], text: `authentication: ${found}; allowed: one of the two` }];
}

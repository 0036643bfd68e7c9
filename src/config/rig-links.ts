/**
 * The `links` of a rig file: on which wires its panels are, which elements of the array each of them has, and how frames are authenticated.
 * Here are their schema, what must fit together (checked on the unread file too, so that all problems come out at once), and the reading
 * into `RigLink`, which has every default applied and every path resolved.
 */
import * as z from 'zod';
import { counted } from '../../core/errors/counted.ts';
import { MAX_TEXT_BYTES } from '../../firmware-protocol/limits.ts';
import { LINK_KIND_NAMES, linkKind, type LinkKindName, type OfSomeKind } from '../link/link-kinds.ts';
import { userIndex, type UserRun } from '../../core/signal/indices.ts';
import { mapProblems, parseElements } from './element-map.ts';
import { parseUsers } from './user-run.ts';
import { environmentVariable, filePath, FROM_HERE } from './rig-fields.ts';
import type { Problem } from '../../core/errors/schema-problems.ts';

/** The kinds, as a message lists them. */
const anyKind = LINK_KIND_NAMES.join(' or ');
const needing = LINK_KIND_NAMES.filter((kind) => linkKind(kind).needsPanel !== undefined).join(', ');

type KindBlocks = { [Kind in LinkKindName]: z.ZodOptional<z.ZodType> };
const kindBlocks = Object.fromEntries(LINK_KIND_NAMES.map((kind) => [kind, linkKind(kind).schema.optional()])) as KindBlocks;

const LINK_ROLES = ['array', 'user'] as const;

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
        `Serial number of the panel at its other end; another panel is refused. Needed with ${needing} and with authentication.`,
      ),
    role: z
      .enum(LINK_ROLES)
      .default('array')
      .describe(
        'What the panel at its other end is. array: it drives elements of the array. user: a board with receivers only (panel protocol 1.3), which measures and is asked for nothing else.',
      ),
    users: z
      .union([z.string(), z.int()])
      .optional()
      .meta({ allowed: "'0-3', or 2" })
      .describe(
        'Which users the receivers of a panel with role: user hear, from 0 on, neighbours in one run. Users that nobody is named for are reported by a panel of the array. Default: all.',
      ),
    elements: z
      .union([z.string(), z.array(z.union([z.string(), z.int()]))])
      .optional()
      .meta({ allowed: "'0-31', or a list like [ '0-15', 40, '48-63' ]" })
      .describe(
        'Which elements of the array the panel’s own are, in its order; a range may count down. Needed with several links to panels of the array: every element is on exactly one. Default: all.',
      ),
    ...kindBlocks,
  })
  .meta({ allowed: `a block with ${anyKind}` })
  .describe(`A link has one of ${LINK_KIND_NAMES.map((kind) => `\`${kind}\``).join(', ')}.`);

export const authenticationSchema = z
  .strictObject({
    keyFile: filePath
      .optional()
      .describe(`File of mode 0600 with the key of the rig, 16 to 64 bytes as hex or base64 text, ${FROM_HERE}.`),
    keyEnv: environmentVariable.optional().describe('Or the environment variable that holds it.'),
  })
  .describe('Frames carry a keyed tag, and others are refused. One of the two; the key itself is never in this file.');

/** A link as read: defaults applied, elements listed one by one, paths absolute, and its kind with the block of that kind. */
export type RigLink = {
  name: string;
  /** Needed where a kind needs it. */
  panel?: string;
  /** Element of the array for each of the panel's own, in its order; none of a board with receivers only. */
  elements: number[];
  /** Whom a board with receivers only hears; undefined of a panel of the array. */
  users?: UserRun;
} & OfSomeKind;

export type LinkText = z.output<typeof linkSchema>;

/**
 * Links that were found to be right, read.
 * @param total N of the array
 * @param users K
 * @param folder of the rig file
 */
export function readLinks(links: readonly LinkText[], total: number, users: number, folder: string): RigLink[] {
  return links.map((link): RigLink => {
    const hears = link.role === 'user' ? { users: heardBy(link, users) } : {};
    const parsed = link.elements === undefined ? undefined : parseElements(link.elements, total);
    const all = (): number[] => Array.from({ length: total }, (_, element) => element);
    const elements = link.role === 'user' ? [] : parsed?.ok ? parsed.elements : all();
    const kind = kindsIn(link)[0];
    const block = linkKind(kind).read(link[kind], folder);
    const panel = link.panel === undefined ? {} : { panel: link.panel };
    return { name: nameOf(link), ...panel, elements, ...hears, kind, [kind]: block } as unknown as RigLink;
  });
}

function heardBy(link: Pick<LinkText, 'users'>, total: number): UserRun {
  const parsed = link.users === undefined ? undefined : parseUsers(link.users, total);
  return parsed?.ok ? parsed.users : { firstUser: userIndex(0), count: total };
}

const kindsIn = (link: Readonly<Record<string, unknown>>): LinkKindName[] =>
  LINK_KIND_NAMES.filter((kind) => link[kind] !== undefined);

const nameOf = (link: Readonly<Record<string, unknown>>): string => {
  const ofKinds = kindsIn(link).map((kind) => (isBlock(link[kind]) ? linkKind(kind).defaultName?.(link[kind]) : undefined));
  return [link.name, ...ofKinds, link.panel].find((text) => typeof text === 'string') ?? 'link';
};

/** Keys of a link of the rig file that hold paths of files: 'serial', 'path'. */
export const LINK_PATHS: readonly (readonly [string, string])[] = LINK_KIND_NAMES.flatMap((kind) =>
  (linkKind(kind).paths ?? []).map((key) => [kind, key] as const),
);

type Raw = Record<string, unknown>;
const isBlock = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What does not fit together among links, of a file that may be wrong in other ways, too.
 * @param total N, where it is known
 * @param users K, where it is known
 * @param authenticated the rig authenticates its frames
 * @param folder of the rig file
 */
export function linkProblems(
  links: unknown,
  { total, users }: { total: number | undefined; users: number | undefined },
  authenticated: boolean,
  folder: string,
): Problem[] {
  if (!Array.isArray(links)) return [];
  const problems: Problem[] = [];
  const entries = links.map((link: unknown, index) => ({ link, index })).filter((entry) => isBlock(entry.link)) as {
    link: Raw;
    index: number;
  }[];
  for (const { link, index } of entries) {
    const say = (path: PropertyKey[], text: string): number => problems.push({ path: ['links', index, ...path], text });
    const here = `links[${index}]`;
    const kinds = kindsIn(link);
    if (kinds.length !== 1) {
      const found = kinds.length === 0 ? `none of ${LINK_KIND_NAMES.join(', ')}` : kinds.join(' and ');
      say([], `${here}: ${found}; allowed: one of ${kinds.length === 0 ? 'them' : LINK_KIND_NAMES.join(', ')}`);
    }
    const kind = kinds.length === 0 ? undefined : linkKind(kinds[0]);
    const missing = `missing; allowed: the serial number of the panel, which `;
    if (link.panel === undefined && kind?.needsPanel !== undefined) say([], `${here}.panel: ${missing}${kind.needsPanel}`);
    else if (link.panel === undefined && authenticated) say([], `${here}.panel: ${missing}its key is derived from`);
    else if (typeof link.panel === 'string' && link.panel !== '') {
      const wrong = kind?.wrongPanel?.(link.panel);
      const shown = `${here}.panel: ${JSON.stringify(link.panel)}`;
      const bytes = Buffer.byteLength(link.panel);
      if (wrong !== undefined) say(['panel'], `${shown} ${wrong}`);
      else if (bytes > MAX_TEXT_BYTES && link.panel.length <= MAX_TEXT_BYTES)
        say(['panel'], `${shown} has ${counted(bytes, 'byte')}; allowed: ${MAX_TEXT_BYTES}, as many as a panel can say`);
    }
    for (const name of kinds) {
      const block = link[name];
      const found = isBlock(block) ? (linkKind(name).problems?.(block) ?? []) : [];
      for (const [key, text] of found) say([name, key], `${here}.${name}.${key}: ${text}`);
    }
  }
  const receivers = entries.filter(({ link }) => link.role === 'user');
  const ofArray = entries.filter(({ link }) => link.role !== 'user');
  problems.push(...elementProblems(ofArray, total), ...receiverProblems(receivers, users), ...twice(entries, folder));
  for (const { link, index } of ofArray) {
    if (link.users === undefined) continue;
    const text = `links[${index}].users: has no meaning without role: user; a panel of the array reports on all users, or on none`;
    problems.push({ path: ['links', index, 'users'], text });
  }
  if (ofArray.length === 0 && receivers.length > 0) {
    problems.push({
      path: ['links'],
      text: 'links: none leads to a panel of the array; allowed: one link or more without role: user',
    });
  }
  return problems;
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

/** Whom boards with receivers only hear: each user on one of them, or on none. */
function receiverProblems(entries: { link: Raw; index: number }[], total: number | undefined): Problem[] {
  const problems: Problem[] = [];
  const owner = new Map<number, number>();
  for (const { link, index } of entries) {
    const say = (key: string, text: string): number =>
      problems.push({ path: ['links', index, key], text: `links[${index}].${key}: ${text}` });
    if (link.elements !== undefined) say('elements', 'has no meaning with role: user, a board with receivers only');
    const { users = total === undefined ? undefined : `0-${total - 1}` } = link;
    if (typeof users !== 'string' && typeof users !== 'number') continue; // the schema says it
    const parsed = parseUsers(users, total);
    if (!parsed.ok) {
      say('users', parsed.problem);
      continue;
    }
    const { firstUser, count } = parsed.users;
    const run = Array.from({ length: count }, (_, i) => firstUser + i);
    const shared = run.find((user) => owner.has(user));
    if (shared !== undefined)
      say('users', `user ${shared} is on links[${owner.get(shared)}] already; allowed: each user on one link`);
    for (const user of run) if (!owner.has(user)) owner.set(user, index);
  }
  return problems;
}

/** What belongs to one link alone: its name, its panel, its port or address. */
function ownedBy(link: Raw, folder: string): { keys: string[]; written: string; same: string }[] {
  const texts = ['name', 'panel'].flatMap((key) => {
    const written = link[key];
    return typeof written === 'string' ? [{ keys: [key], written, same: written }] : [];
  });
  const ends = kindsIn(link).flatMap((kind) => {
    const block = link[kind];
    const end = isBlock(block) ? linkKind(kind).sameAs?.(block, folder) : undefined;
    return end === undefined ? [] : [{ keys: [kind, end.key], written: end.written, same: end.same }];
  });
  return [...texts, ...ends];
}

function twice(entries: { link: Raw; index: number }[], folder: string): Problem[] {
  const seen = new Map<string, number>();
  const problems: Problem[] = [];
  for (const { link, index } of entries) {
    for (const { keys, written, same } of ownedBy(link, folder)) {
      const what = keys.join('.');
      const first = seen.get(`${what} ${same}`);
      if (first === undefined) seen.set(`${what} ${same}`, index);
      else {
        const text = `links[${index}].${what}: ${JSON.stringify(written)} is that of links[${first}] already`;
        problems.push({ path: ['links', index, ...keys], text });
      }
    }
  }
  const names = entries.map(({ link }) => nameOf(link));
  entries.forEach(({ link, index }, i) => {
    const first = names.indexOf(names[i]);
    if (first === i || problems.some(({ path }) => path[1] === index)) return;
    if (kindsIn(link).length === 0) return;
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

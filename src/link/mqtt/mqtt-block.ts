/** The `mqtt` block of a link in the rig file: its schema, what must fit together in it, and the reading of one that is right. */
import * as z from 'zod';
import { nearest } from '../../../core/errors/nearest.ts';
import { pathFrom } from '../../../core/files/home-path.ts';
import { environmentVariable, filePath, FROM_HERE } from '../../config/rig-fields.ts';
import type { RawBlock } from '../link-kind.ts';
import { wrongInPrefix } from './mqtt-topics.ts';

export interface MqttBlock {
  url: string;
  topicPrefix: string;
  username?: string;
  passwordEnv?: string;
  /** Absolute. */
  caFile?: string;
  certificateFile?: string;
  keyFile?: string;
}

export const FILES = ['caFile', 'certificateFile', 'keyFile'] as const;

export const mqttSchema = z
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

/** @param folder of the rig file */
export function readMqttBlock(text: z.output<typeof mqttSchema>, folder: string): MqttBlock {
  const { url, topicPrefix, username, passwordEnv, ...files } = text;
  const absolute = Object.entries(files).flatMap(([key, file]) => (file === undefined ? [] : [[key, pathFrom(folder, file)]]));
  return {
    url,
    topicPrefix,
    ...(username === undefined ? {} : { username }),
    ...(passwordEnv === undefined ? {} : { passwordEnv }),
    ...(Object.fromEntries(absolute) as Pick<MqttBlock, (typeof FILES)[number]>),
  };
}

/** What does not fit together in a block that may be wrong in other ways, too: key and message. */
export function* mqttProblems(mqtt: RawBlock): Generator<[string, string]> {
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
  for (const key of FILES) {
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

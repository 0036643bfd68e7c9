/** Which InfluxDB server and database points go to: as a rig file names it, or as a URL. Passwords and tokens come from the environment. */
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { shownAddress } from '../../../core/errors/masked.ts';
import { shownVariable } from '../../../core/errors/variable-name.ts';
import type { RigFile } from '../../config/rig-file.ts';

export interface InfluxTarget {
  host: string;
  port: number;
  database: string;
  /** https:// instead of http://. */
  tls?: boolean | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Instead of user and password: InfluxDB 2. */
  token?: string | undefined;
}

/** `http://127.0.0.1:8086`, without user and password. */
export const originOf = ({ host, port, tls }: InfluxTarget): string =>
  `${tls === true ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** For messages, and what tells one target from another: `http://127.0.0.1:8086, database beamrig`. */
export const targetName = (target: InfluxTarget): string => `${originOf(target)}, database ${target.database}`;

/** How `beamrig export` is told of this target; a password is not part of it. */
export function exportOptions(target: InfluxTarget, from: Partial<SecretNames> = {}): string {
  const user = target.username === undefined ? '' : `${encodeURIComponent(target.username)}@`;
  const url = originOf(target).replace('://', `://${user}`) + `/${encodeURIComponent(target.database)}`;
  const secrets = [
    from.passwordEnv === undefined ? '' : ` --password-env ${from.passwordEnv}`,
    from.tokenEnv === undefined ? '' : ` --token-env ${from.tokenEnv}`,
  ];
  return `--influx ${url}${secrets.join('')}`;
}

/** Environment variables that hold what must not be written down. */
export interface SecretNames {
  passwordEnv: string | undefined;
  tokenEnv: string | undefined;
}

type InRigFile = NonNullable<RigFile['telemetry']['influx']>;
type Named = Omit<InRigFile, 'tls'> & Partial<Pick<InRigFile, 'tls'>>;

/** The target a rig file names. Throws BeamrigError 'influx' when a variable it names is not set. */
export function influxTarget(config: Named, environment = process.env): InfluxTarget {
  const { passwordEnv, tokenEnv, ...target } = config;
  return {
    ...target,
    ...secrets({ passwordEnv, tokenEnv }, (key) => `telemetry.influx.${key}`, environment),
  };
}

/**
 * `http://user@host:8086/database` as a target; the password from the environment, or in the URL.
 * @throws BeamrigError 'argument' that shows neither user nor password
 */
export function influxTargetFromUrl(text: string, names: Partial<SecretNames> = {}, environment = process.env): InfluxTarget {
  const refuse = (why: string): never => {
    throw new BeamrigError('argument', `--influx ${shownAddress(text)}: ${why}`, {
      wayOut:
        'Give it as http://127.0.0.1:8086/beamrig or http://user@host:8086/beamrig, with --password-env NAME for the variable that ' +
        'holds the password. In a user or password, write @ as %40, : as %3A, / as %2F, # as %23 and % as %25.',
    });
  };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refuse('not a URL (a port is 1 to 65535)');
  }
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:') return refuse('only http:// and https:// are spoken here');
  if (url.search !== '' || url.hash !== '') return refuse('nothing may follow the database, no ? and no #');
  const parts = { path: url.pathname.slice(1), username: url.username, password: url.password };
  if (/[/@]/.test(parts.path)) return refuse('what follows the host is one name, the database');
  const decoded = Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, decodedPart(part)]));
  if (Object.values(decoded).includes(undefined)) return refuse('a % in it is not followed by two hexadecimal digits');
  const { path = '', username = '', password = '' } = decoded;
  const tls = protocol === 'https:';
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
  if (port === 0) return refuse('a port is 1 to 65535');
  const found = secrets({ passwordEnv: undefined, tokenEnv: undefined, ...names }, flagOf, environment);
  if (password !== '' && found.password !== undefined) return refuse('has a password, and --password-env gives another');
  if (found.password !== undefined && username === '')
    return refuse('--password-env gives the password of a user, and it names none');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    database: path === '' ? 'beamrig' : path,
    ...(tls ? { tls } : {}),
    ...(username === '' ? {} : { username, password }),
    ...found,
  };
}

const flagOf = (key: keyof SecretNames): string => (key === 'passwordEnv' ? '--password-env' : '--token-env');

function secrets(
  names: SecretNames,
  keyText: (key: keyof SecretNames) => string,
  environment: NodeJS.ProcessEnv,
): Pick<InfluxTarget, 'password' | 'token'> {
  const valueOf = (key: keyof SecretNames): string | undefined => {
    const name = names[key];
    if (name === undefined) return undefined;
    const value = environment[name];
    if (value !== undefined) return value;
    throw new BeamrigError('influx', `${keyText(key)} names ${shownVariable(name)}, which is not set`, {
      wayOut: `Set it, for example: export ${shownVariable(name)}=…, or leave ${keyText(key)} out.`,
    });
  };
  const password = valueOf('passwordEnv');
  const token = valueOf('tokenEnv');
  return { ...(password === undefined ? {} : { password }), ...(token === undefined ? {} : { token }) };
}

function decodedPart(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** `beamrig broker`: a broker for a bench that has none, until Ctrl-C. What it prints is what a rig file needs. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { shownVariable } from '../../core/errors/variable-name.ts';
import { startEmbeddedBroker, type EmbeddedBroker, type EmbeddedBrokerOptions } from '../link/mqtt/embedded-broker.ts';
import { wholeNumber } from './arguments.ts';
import { boundOutput, print, printError } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { onStopSignal } from './stop-signal.ts';

export interface BrokerOptions {
  host?: string;
  port?: string;
  user?: string;
  /** Name of the environment variable that holds the password. */
  passwordEnv?: string;
  tlsCert?: string;
  tlsKey?: string;
  ca?: string;
  json?: boolean;
}

/**
 * Runs a broker until a stop signal.
 * @throws {BeamrigError} 'argument', or 'port-in-use'
 */
export async function broker(options: BrokerOptions): Promise<void> {
  const { host, user, passwordEnv, tlsCert, tlsKey, ca, json = false } = options;
  boundOutput(json);
  const tell = (line: string, event: object): void => print(json ? JSON.stringify(event) : line);
  const password = passwordFrom(user, passwordEnv);
  const settings: EmbeddedBrokerOptions = {
    ...(host !== undefined && { host }),
    ...(options.port !== undefined && { port: wholeNumber('--port', options.port, { min: 0, max: 65_535 }) }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(tlsCert !== undefined && { tlsCert }),
    ...(tlsKey !== undefined && { tlsKey }),
    ...(ca !== undefined && { ca }),
    onClient: ({ client, what, detail }) =>
      tell(`${printable(client)} ${what}${detail === undefined ? '' : `: ${printable(detail)}`}`, {
        type: 'client',
        client,
        what,
        detail,
      }),
  };

  let askToStop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    askToStop = resolve;
  });
  const release = onStopSignal(() => askToStop());
  let running: EmbeddedBroker;
  try {
    running = await startEmbeddedBroker(settings);
  } catch (error) {
    release();
    throw error;
  }
  tell(lines(running.url, options).join('\n'), { type: 'listening', url: running.url, port: running.port });
  const open = openToOthers(options);
  if (open !== undefined) {
    printError(`beamrig: ${open.message}\nWhat to do: ${open.wayOut}`);
    if (json) tell('', { type: 'warning', ...open });
  }
  await stopped;
  await running.close();
  release();
  tell('Broker stopped.', { type: 'stopped' });
}

function passwordFrom(user: string | undefined, variable: string | undefined): string | undefined {
  if (user === undefined && variable === undefined) return undefined;
  if (user === undefined || variable === undefined) {
    const missing = user === undefined ? '--user' : '--password-env';
    throw new BeamrigError('argument', `a login needs --user and --password-env, and ${missing} is missing`, {
      wayOut: `Give ${missing}, too.`,
    });
  }
  const password = process.env[variable];
  if (password !== undefined && password !== '') return password;
  const why = password === undefined ? 'no such variable is set' : 'the variable is empty';
  const named = shownVariable(variable);
  throw new BeamrigError('argument', `--password-env ${named}: ${why}`, {
    wayOut: `Put the password into it first: read -rs ${named}; export ${named}`,
  });
}

function lines(url: string, { user, passwordEnv, tlsCert, ca }: BrokerOptions): string[] {
  const fields = [
    `url: '${url}'`,
    ...(user === undefined ? [] : [`username: '${user}'`, `passwordEnv: ${passwordEnv}`]),
    ...(tlsCert === undefined ? [] : ['caFile: <certificate of its authority>']),
    ...(ca === undefined ? [] : ['certificateFile: <yours>', 'keyFile: <yours>']),
  ];
  return [
    `Broker at ${url} (MQTT 3.1.1, in memory). Ctrl-C ends it.`,
    'In the rig file:',
    '  links:',
    `    - { panel: <serial number>, mqtt: { ${fields.join(', ')} } }`,
  ];
}

/** Who can reach it could steer every array on it. */
function openToOthers({ host = '127.0.0.1', user, tlsCert, ca }: BrokerOptions): { message: string; wayOut: string } | undefined {
  if (/^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host)) return undefined;
  const missing = [
    ...(user === undefined && ca === undefined ? ['without a login'] : []),
    ...(tlsCert === undefined ? ['without TLS'] : []),
  ];
  if (missing.length === 0) return undefined;
  return {
    message: `the broker listens on ${host} ${missing.join(' and ')}: whoever reaches it can listen in${missing[0] === 'without a login' ? ' and steer arrays' : ''}`,
    wayOut: 'Give --user with --password-env, and --tls-cert with --tls-key; or leave --host out for this machine only.',
  };
}

/** The password of a broker, from the environment variable that the rig file names: read when a link needs it, and shown nowhere. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { shownVariable } from '../../core/errors/variable-name.ts';
import type { MqttAddress, RigLink } from './rig-links.ts';

/**
 * How a link's broker is reached, with the password where one is named.
 * @throws {BeamrigError} 'link' when the variable is not set, or is empty
 */
export function brokerLogin({ name, mqtt }: RigLink & { kind: 'mqtt' }): MqttAddress & { password?: string } {
  const { passwordEnv, username = 'the user' } = mqtt;
  if (passwordEnv === undefined) return mqtt;
  const password = process.env[passwordEnv];
  if (password !== undefined && password !== '') return { ...mqtt, password };
  const why = password === undefined ? ', and no such environment variable is set' : ', and that environment variable is empty';
  const named = shownVariable(passwordEnv);
  throw new BeamrigError('link', `${name}: mqtt.passwordEnv names ${named}${why}`, {
    wayOut: `Put the password of ${username} into it: read -rs ${named}; export ${named}`,
  });
}

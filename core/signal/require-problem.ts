/** What every beamformer may count on: a problem that has an answer, as far as its numbers and shapes go. */
import { counted } from '../errors/counted.ts';
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { Problem } from './beam-contract.ts';

/**
 * The entries of H are not looked at one by one: whoever works on them finds out.
 * @throws {BeamrigError} 'argument' where a number is out of its range, 'shape' where the connection does not fit
 */
export function requireProblem({ channel, rfChains, power, noise, connection }: Problem): void {
  requirePositive('the power P', power);
  requirePositive('the noise σ²', noise);
  if (!(Number.isInteger(rfChains) && rfChains >= 1)) {
    throw new BeamrigError('argument', `the number of RF chains is ${rfChains}`, { wayOut: 'give a whole number from 1 on' });
  }
  if (channel.rows === 0 || channel.cols === 0) {
    throw new BeamrigError('shape', `a channel of ${counted(channel.rows, 'user')} and ${counted(channel.cols, 'element')}`, {
      wayOut: 'give a channel of at least one user and one element',
    });
  }
  if (connection === undefined) return;
  const places = channel.cols * rfChains;
  if (connection.length !== places) {
    throw new BeamrigError(
      'shape',
      `${counted(channel.cols, 'element')} × ${counted(rfChains, 'RF chain')} need ${counted(places, 'connection')}, got ${connection.length}`,
    );
  }
}

function requirePositive(what: string, value: number): void {
  if (value > 0 && Number.isFinite(value)) return;
  throw new BeamrigError('argument', `${what} is ${value}`, { wayOut: 'give a number above 0 that is not infinite' });
}

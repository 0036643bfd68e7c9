/**
 * Many requests of one kind, several in flight: a chunk need not wait for the answer to the one before it, which on a link with a round
 * trip of milliseconds is most of the time of a push.
 */
import type { Request } from '../../firmware-protocol/messages.ts';
import type { PanelFailure, Result } from './panel.ts';
import type { ReplyTo, RequestOf } from './replies.ts';
import type { RequestLine } from './request-line.ts';

/**
 * Sends all requests, at most `window` unanswered at a time, in order.
 * @returns the replies in the order of the requests, or the first failure; then nothing more of this is sent or sent again
 * @throws {BeamrigError} 'argument' when a request cannot be encoded, be it the last one
 */
export function pipeline<T extends Request['type']>(
  line: RequestLine,
  requests: readonly RequestOf<T>[],
  window: number,
): Promise<Result<ReplyTo<T>[]>> {
  return new Promise((resolve, reject) => {
    const replies: ReplyTo<T>[] = new Array<ReplyTo<T>>(requests.length);
    const withdraw = new Map<number, () => void>();
    let next = 0;
    let answered = 0;
    let ended = false;

    const end = (): void => {
      ended = true;
      for (const withdrawOne of withdraw.values()) withdrawOne();
    };
    const fail = (failure: PanelFailure): void => {
      end();
      resolve({ ok: false, failure });
    };
    // Later chunks are begun by the reply to an earlier one: what they throw must reach our caller, not the link that brought the reply.
    const fill = (): void => {
      try {
        begin();
      } catch (error) {
        end();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const begin = (): void => {
      while (!ended && next < requests.length && withdraw.size < window) {
        const index = next++;
        // Noted before it is sent: a link that closes in `begin` ends this request at once.
        withdraw.set(index, () => undefined);
        const withdrawOne = line.begin<T>(requests[index], (result) => {
          withdraw.delete(index);
          if (ended) return;
          if (!result.ok) return fail(result.failure);
          replies[index] = result.value;
          if (++answered === requests.length) return resolve({ ok: true, value: replies });
          fill();
        });
        if (withdraw.has(index)) withdraw.set(index, withdrawOne);
      }
    };
    if (requests.length === 0) resolve({ ok: true, value: replies });
    fill();
  });
}

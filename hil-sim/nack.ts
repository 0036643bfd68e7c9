/** How a panel says no. */
import type { NackCode, Reply } from '../firmware-protocol/messages.ts';

export const nack = (code: NackCode, detail = 0): Reply & { type: 'nack' } => ({ type: 'nack', code, detail });

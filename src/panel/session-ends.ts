/** Why there is no session with a panel, as the failure that whatever is asked of it comes to. */
import type { NackCode } from '../../firmware-protocol/messages.ts';
import type { Link } from '../link/link.ts';
import type { PanelFailure } from './panel.ts';

/** Nobody has shaken hands with it, or not since. */
export const connectFirst = (panel: string): PanelFailure => ({
  panel,
  reason: 'link-closed',
  cause: 'not-connected',
  detail: `${panel}: connect first`,
});

/** The link is closed, for its own reason. */
export function linkClosed(link: Link): PanelFailure {
  const { state } = link;
  if (state.state === 'open') return { reason: 'link-closed', cause: 'not-connected', detail: `${link.name}: open again` };
  const detail = `${link.name}: ${[state.reason, state.detail].filter(Boolean).join(': ')}`;
  return { reason: 'link-closed', cause: state.cause ?? state.reason, detail };
}

/** The panel takes our seals no more: counters have to be agreed upon anew. */
export const sealsRefused = (code: NackCode): PanelFailure => ({
  reason: 'panel-restarted',
  detail: `it refuses the counters or the key of this session (${code}); connect again`,
});

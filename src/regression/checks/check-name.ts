/** How reports and baselines call a check: by what it says, so that two runs of one scenario call it the same. */
import type { Check } from '../check-schema.ts';

export function checkName(check: Check): string {
  if (check.name !== undefined) return check.name;
  const parts: string[] = [check.check];
  if ('of' in check) parts.push(check.of);
  if ('user' in check && check.user !== undefined) parts.push(`of user ${check.user}`);
  if ('over' in check) parts.push(check.over);
  if ('code' in check && check.code !== undefined) parts.push(check.code);
  if ('state' in check) parts.push(check.state);
  if ('as' in check) parts.push(check.as);
  if ('panel' in check && check.panel !== undefined) parts.push(`of panel ${check.panel}`);
  if ('after' in check) parts.push(`after ${check.after}`);
  if ('says' in check && check.says !== undefined) parts.push(`saying "${check.says}"`);
  if ('fromS' in check && check.fromS > 0) parts.push(`from ${check.fromS} s`);
  if ('toS' in check && check.toS !== undefined) parts.push(`to ${check.toS} s`);
  if ('across' in check && check.across !== 'every') {
    parts.push(`${check.across}${check.across === 'quantile' ? ` ${check.quantile}` : ''} over seeds`);
  }
  return parts.join(' ');
}

// A deadline as number, unit and start, and back. The number may be a setting of the policy. Pure: tested with node.
const KINDS = ['working_days_after', 'days_after', 'months_after'];
const CALL = /^(working_days_after|days_after|months_after)\(\s*([0-9]{1,4}|policy\.[a-z][a-z0-9_]*)\s*(?:,\s*(F[0-9]{1,3}[a-z]?\.[a-z][a-z0-9_]*)\s*)?\)$/;
const DATE = /^date\(\s*(F[0-9]{1,3}[a-z]?\.[a-z][a-z0-9_]*)\s*\)$/;

// Returns { kind, count, start }, or null for a text that this cannot say. `kind` is '' without a deadline.
export function parse(text) {
  const trimmed = text.trim();
  if (!trimmed) return { kind: '', count: '', start: '' };
  const call = CALL.exec(trimmed);
  if (call) return { kind: call[1], count: isSetting(call[2]) ? call[2] : Number(call[2]), start: call[3] || '' };
  const date = DATE.exec(trimmed);
  return date ? { kind: 'date', count: '', start: date[1] } : null;
}

export const isSetting = value => /^policy\./.test(String(value));

export function write({ kind, count, start }) {
  if (kind === 'date') return start ? `date(${start})` : '';
  if (!KINDS.includes(kind)) return '';
  return `${kind}(${isSetting(count) ? count : Number(count) || 1}${start ? `, ${start}` : ''})`;
}

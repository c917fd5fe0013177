// A condition as rows that can be picked, and back. What no rows can say stays a text. Pure: tested with node.
const PATH = '(F[0-9]{1,3}[a-z]?\\.[a-z][a-z0-9_]*)';
const QUOTED = "'([^'\\\\]*)'|\"([^\"\\\\]*)\"";
const FORMS = [
  [new RegExp(`^not ${PATH}$`), m => ({ path: m[1], op: 'no' })],
  [new RegExp(`^${PATH}$`), m => ({ path: m[1], op: 'yes' })],
  [new RegExp(`^${PATH} (==|!=) (?:${QUOTED})$`), m => ({ path: m[1], op: m[2], value: m[3] !== undefined ? m[3] : m[4] })],
  [new RegExp(`^${PATH} (==|!=|<=|>=|<|>) (-?[0-9]+(?:\\.[0-9]+)?|policy\\.[a-z][a-z0-9_]*)$`), m => ({ path: m[1], op: m[2], value: m[3], number: true })],
  [new RegExp(`^${PATH} in \\[(.*)\\]$`), m => { const list = quotedList(m[2]); return list && { path: m[1], op: 'in', value: list }; }],
  [new RegExp(`^(?:${QUOTED}) in ${PATH}$`), m => ({ path: m[3], op: 'contains', value: m[1] !== undefined ? m[1] : m[2] })],
  [new RegExp(`^len\\(${PATH}\\) > 0$`), m => ({ path: m[1], op: 'filled' })],
  [new RegExp(`^len\\(${PATH}\\) == 0$`), m => ({ path: m[1], op: 'blank' })],
];

function quotedList(text) {
  const parts = text.split(',').map(part => part.trim());
  if (!parts.every(part => /^'[^']*'$|^"[^"]*"$/.test(part))) return null;
  return parts.map(part => part.slice(1, -1));
}

// Returns { join: 'and' | 'or', rows }, or null for a text that rows cannot say.
export function parse(text) {
  const trimmed = text.trim();
  if (!trimmed) return { join: 'and', rows: [] };
  for (const join of ['and', 'or']) {
    const rows = trimmed.split(` ${join} `).map(part => row(part.trim()));
    if (rows.every(Boolean)) return { join, rows };
  }
  return null;
}

function row(text) {
  for (const [pattern, make] of FORMS) {
    const match = pattern.exec(text);
    if (match) return make(match);
  }
  return null;
}

export function write({ join, rows }) {
  return rows.filter(entry => entry.path).map(writeRow).join(` ${join} `);
}

function writeRow({ path, op, value, number }) {
  const quoted = text => `'${String(text === undefined ? '' : text).replace(/['\\]/g, '')}'`;
  if (op === 'yes') return path;
  if (op === 'no') return `not ${path}`;
  if (op === 'filled') return `len(${path}) > 0`;
  if (op === 'blank') return `len(${path}) == 0`;
  if (op === 'contains') return `${quoted(value)} in ${path}`;
  if (op === 'in') return `${path} in [${[].concat(value || []).map(quoted).join(', ')}]`;
  return number ? `${path} ${op} ${value === '' || value === undefined ? 0 : value}` : `${path} ${op} ${quoted(value)}`;
}

// The comparisons that a kind of field allows.
export function operators(type) {
  if (type === 'bool') return ['yes', 'no'];
  if (type === 'enum') return ['==', '!=', 'in'];
  if (type === 'multi') return ['contains', 'filled', 'blank'];
  if (['int', 'number', 'money'].includes(type)) return ['>', '>=', '<', '<=', '==', '!='];
  if (type === 'table') return ['filled', 'blank'];
  return ['==', '!='];
}

// A condition is [operator, ...arguments], the tree that the server checks again. What is not answered is null.
const blank = value => value === null || value === '' || (Array.isArray(value) && !value.length);
const day = value => Date.parse(String(value).slice(0, 10) + 'T00:00:00Z') / 864e5;
const operations = {
  list: (...parts) => parts,
  not: a => !a,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a !== null && b !== null && a < b,
  '<=': (a, b) => a !== null && b !== null && a <= b,
  '>': (a, b) => a !== null && b !== null && a > b,
  '>=': (a, b) => a !== null && b !== null && a >= b,
  in: (a, b) => (b || []).includes(a),
  empty: blank,
  exists: a => !blank(a),
  len: a => (a || []).length,
  count: (rows, name, value) => (rows || []).filter(row => row[name] === value).length,
  any_of: (rows, name, value) => (rows || []).some(row => row[name] === value),
  days_between: (a, b) => (blank(a) || blank(b) ? null : day(b) - day(a)),
};

export function evaluate([kind, ...parts], names) {
  if (kind === 'value') return parts[0];
  if (kind === 'name') return names(parts[0]);
  if (kind === 'and') return parts.every(part => evaluate(part, names));
  if (kind === 'or') return parts.some(part => evaluate(part, names));
  return operations[kind](...parts.map(part => evaluate(part, names)));
}

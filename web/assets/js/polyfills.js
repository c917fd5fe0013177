// What Chromium 86 lacks and bundled libraries call.
if (!Object.hasOwn) Object.hasOwn = (object, key) => Object.prototype.hasOwnProperty.call(object, key);
for (const kind of [Array, String]) {
  if (!kind.prototype.at) {
    Object.defineProperty(kind.prototype, 'at', {
      configurable: true, writable: true,
      value(index) { const n = Math.trunc(index) || 0; return this[n < 0 ? this.length + n : n]; },
    });
  }
}
if (!Array.prototype.findLast) {
  Object.defineProperty(Array.prototype, 'findLast', {
    configurable: true, writable: true,
    value(test) { for (let n = this.length - 1; n >= 0; n -= 1) if (test(this[n], n, this)) return this[n]; return undefined; },
  });
}
if (typeof structuredClone === 'undefined') {
  globalThis.structuredClone = value => JSON.parse(JSON.stringify(value));
}

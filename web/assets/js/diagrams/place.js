// Shows a diagram as a whole, or, where that would be too small to read, at reading size with what it is about in view.
const MARGIN = 20;

export function place(viewer, about, smallest, size) {
  const canvas = viewer.get('canvas');
  canvas.zoom('fit-viewport', 'auto');
  if (canvas.zoom() >= smallest) return;
  canvas.zoom(size);
  const { inner, width, height } = canvas.viewbox();
  const middle = about || { x: inner.x, y: inner.y, width: 0, height: 0 };
  const keep = (at, length, from, whole) => Math.max(from - MARGIN, Math.min(at - length / 2, from + whole + MARGIN - length));
  canvas.viewbox({
    x: keep(middle.x + middle.width / 2, width, inner.x, inner.width),
    y: keep(middle.y + middle.height / 2, height, inner.y, inner.height),
    width, height,
  });
}

// Builds the assets into web/static: hashed names and a manifest. Every entry gets the polyfills first, because
// bpmn-js calls library functions that Chromium 86 does not have and a syntax target does not add.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'static');
const entries = [
  ...readdirSync(join(here, 'js')).filter(name => name.endsWith('.js') && name !== 'polyfills.js').map(name => join(here, 'js', name)),
  ...['app.css', 'diagram.css', 'editor.css', 'decision-table.css', 'print.css'].map(name => join(here, 'css', name)),
];
const result = await build({
  entryPoints: entries, bundle: true, minify: true, write: false, outdir: out, target: ['chrome86'],
  inject: [join(here, 'js', 'polyfills.js')], legalComments: 'none', logLevel: 'warning',
  loader: { '.woff': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl', '.eot': 'empty', '.svg': 'dataurl' },
});
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const manifest = {};
for (const file of result.outputFiles) {
  const name = basename(file.path);
  const hash = createHash('sha256').update(file.contents).digest('hex').slice(0, 10);
  manifest[name] = name.replace(/\.(js|css)$/, `.${hash}.$1`);
  writeFileSync(join(out, manifest[name]), file.contents);
}
writeFileSync(join(out, 'manifest.json'), JSON.stringify(manifest, null, 1));

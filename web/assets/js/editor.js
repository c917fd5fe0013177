// The editor of a draft: opens what the page names. Everything else lies in editor/, one concern a file.
import { open } from './editor/page.js';

const box = document.getElementById('editor');
if (box) open(box);

/** Writes .br and .gz beside every compressible file of the bundle, unless they are there already (names are hashed). */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { DIST } from './shared.mjs';

const KINDS = /\.(js|css|json|svg|map)$/;
const MIN_BYTES = 1024;
let before = 0;
let after = 0;

for (const folder of ['assets', 'vendor']) {
  for (const name of readdirSync(resolve(DIST, folder))) {
    if (!KINDS.test(name)) continue;
    const path = resolve(DIST, folder, name);
    const data = readFileSync(path);
    if (data.length < MIN_BYTES) continue;
    if (!existsSync(`${path}.br`)) {
      writeFileSync(`${path}.br`, brotliCompressSync(data, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length },
      }));
    }
    if (!existsSync(`${path}.gz`)) writeFileSync(`${path}.gz`, gzipSync(data, { level: 9 }));
    before += data.length;
    after += readFileSync(`${path}.br`).length;
  }
}
console.log(`compress: ${Math.round(before / 1000)} kB to ${Math.round(after / 1000)} kB (brotli)`);

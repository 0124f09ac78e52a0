import react from '@vitejs/plugin-react';
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig, esmExternalRequirePlugin, type Plugin } from 'vite';
import { DIST, sharedExternals } from './scripts/shared.mjs';

/** Modules every page needs at once: asked for together with the entry instead of one after another. */
const FIRST = ['react', 'react/jsx-runtime', 'react-dom', 'react-dom/client', 'antd', 'react-router'];

/** Puts the import map before the first module script; the server allows it in the CSP by its hash. */
function importMap(): Plugin {
  return {
    name: 'headworks-import-map',
    apply: 'build',
    buildStart: () => rmSync(resolve(DIST, 'assets'), { recursive: true, force: true }),
    transformIndexHtml: {
      order: 'post',
      handler: (html) => {
        const text = readFileSync(resolve(DIST, 'vendor/importmap.json'), 'utf8');
        const map = JSON.parse(text) as { imports: Record<string, string> };
        const preload = FIRST.map((s) => `<link rel="modulepreload" crossorigin href="${map.imports[s]}">`).join('');
        return html.replace('<!--importmap-->', () => `<script type="importmap">${text}</script>${preload}`);
      },
    },
  };
}

const backend = process.env.HEADWORKS_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  // The graph library carries a CommonJS module that requires react, which is not in this bundle: it becomes an import.
  plugins: [esmExternalRequirePlugin({ external: [/^react$/] }), react(), sharedExternals() as Plugin, importMap()],
  build: {
    outDir: DIST,
    emptyOutDir: false,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': backend, '/ws': { target: backend, ws: true } } },
});

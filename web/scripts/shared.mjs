/** The list of modules the host shares through its import map, and the rule that keeps them out of other bundles. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const WEB = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const DIST = resolve(WEB, '../src/headworks/control/web/dist');
export const SHARED = JSON.parse(readFileSync(resolve(WEB, 'packages/app-sdk/shared.json'), 'utf8'));

const ICON_CORE = /(?:components\/|^\.\/)(AntdIconLight|AntdIcon|Context)$/;

/** Vite plugin: shared modules stay bare imports; the icons themselves are tree-shaken into the importer. */
export function sharedExternals() {
  return {
    name: 'headworks-shared',
    enforce: 'pre',
    apply: 'build',
    resolveId(source, importer) {
      if (SHARED.includes(source)) return { id: source, external: true };
      const core = ICON_CORE.exec(source);
      if (core && importer?.includes('/@ant-design/icons/')) {
        return { id: `@ant-design/icons/es/components/${core[1]}`, external: true };
      }
      return undefined;
    },
  };
}

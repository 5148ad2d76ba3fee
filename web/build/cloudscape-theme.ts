import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import type { Plugin } from 'vite';

const request = 'virtual:cloudscape-theme.css';
const source = fileURLToPath(new URL('../src/look/theme.ts', import.meta.url));

/**
 * Turns src/look/theme.ts into a stylesheet at build time. Cloudscape would apply a theme in the browser by adding a
 * <style> element, which `style-src 'self'` rightly refuses; the same library writes it out here instead.
 */
export function cloudscapeTheme(): Plugin {
  return {
    name: 'gatehouse-cloudscape-theme',
    resolveId(id) {
      return id === request ? `\0${request}` : undefined;
    },
    async load(id) {
      if (id !== `\0${request}`) {
        return undefined;
      }
      this.addWatchFile(source);
      const { module } = await runnerImport<{ stylesheet: () => string }>(source, {
        configFile: false,
        logLevel: 'error',
        // Cloudscape's modules import directories, which only a bundler resolves.
        environments: { inline: { resolve: { noExternal: [/^@cloudscape-design\//] } } },
      });
      return module.stylesheet();
    },
  };
}

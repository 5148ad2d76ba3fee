import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { precompress } from './build/precompress.ts';
import { cloudscapeTheme } from './build/cloudscape-theme.ts';

// The Go server mounts the portal at /start (see embed.go), so every address in the built index starts there.
// In development the server behind the proxy is a `gatehouse demo`, or the mock of test/browser.
const backend = process.env.GATEHOUSE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/start/',
  plugins: [react(), cloudscapeTheme(), precompress()],
  build: {
    target: 'es2022',
    // An inlined asset would be a data: address, which the content security policy refuses for scripts and styles.
    assetsInlineLimit: 0,
    // The preload helper adds <link> elements by script; one small lazy chunk does not need it.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(['/api', '/signin', '/start/console'].map((path) => [path, backend])),
  },
});

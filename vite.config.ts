import { defineConfig } from 'vite';

// The page is built beside the compiled controller, so that one folder, dist/, is all that runs.
export default defineConfig({
  root: 'dashboard',
  base: './',
  build: { outDir: '../dist/dashboard', emptyOutDir: true, chunkSizeWarningLimit: 800 },
});

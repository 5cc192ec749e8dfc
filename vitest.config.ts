import { defineConfig } from 'vitest/config'

/**
 * Two projects. `unit` needs nothing but Node. `local` runs the real thing: real Nix, real HTTP, real processes;
 * its files run one after the other, because they share the machine's two cores and the Nix store.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      {
        test: {
          name: 'local',
          include: ['test/local/**/*.test.ts'],
          setupFiles: ['test/local/setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
})

import { defineConfig } from 'vitest/config'

// Real Nix, real HTTP, real processes: the files run one after the other, because they share the machine's two cores and the Nix store.
const real = {
  setupFiles: ['test/local/setup.ts'],
  testTimeout: 300_000,
  hookTimeout: 300_000,
  fileParallelism: false,
}

/** Three projects. `unit` needs nothing but Node. `local` runs the real thing, and `adversary` attacks it. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      { test: { name: 'local', include: ['test/local/**/*.test.ts'], ...real } },
      { test: { name: 'adversary', include: ['test/adversary/**/*.test.ts'], ...real } },
    ],
  },
})

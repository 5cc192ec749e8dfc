import type { Config } from '../../../../functions/shared/parse-config.ts'

/** A configuration with one repository, two kinds of branches, and a GitHub that must be put in. */
export const CONFIG: Config = {
  github: { api: 'http://127.0.0.1:1', git: 'https://git.example.org' },
  repositories: [
    {
      name: 'acme/shells',
      refs: ['main', 'release/*'],
      tags: ['v*'],
      schedule: 'weekly',
      privateInputs: [],
      attributes: ['devShells'],
      systems: ['x86_64-linux', 'aarch64-linux'],
    },
  ],
  upstreams: [],
  builders: { 'x86_64-linux': { machines: 2, slots: 4, features: [], waitHours: 24 } },
  cache: { publicKeys: [] },
  limits: { evaluation: { secondsPerSystem: 1800, megabytes: 6144 }, nar: { gigabytes: 20 } },
}

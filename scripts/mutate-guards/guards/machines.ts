import type { Guard } from '../guard.ts'

const ESCAPE = 'test/adversary/build-escape.test.ts'
const BUILD = 'test/local/builders/build.test.ts'
const ENVIRONMENT = 'test/unit/builders/environment.test.ts'

/** Of the machines that build: design section 4, "What a builder is trusted with". */
export const MACHINES: Guard[] = [
  {
    name: 'a machine whose builds escape into their inputs, or to credentials, is refused',
    file: 'builders/machine/self-test.ts',
    text: 'if (escapes.size > 0)',
    without: 'if (escapes.size < 0)',
    test: ESCAPE,
    only: ['builds are root outside of their sandbox'],
  },
  {
    name: 'a machine of which nothing is proved is refused',
    file: 'builders/machine/self-test.ts',
    text: 'if (status !== 0 || reports.length !== 2)',
    without: 'if (status === 12345)',
    test: ESCAPE,
    only: ['of which nothing is proved'],
  },
  {
    name: 'a builder tests its machine before it builds',
    file: 'builders/work.ts',
    text: '    await proveSandbox({ environment, sandbox, folder: folder.path, say })\n',
    without: '    void proveSandbox\n',
    test: ESCAPE,
    only: ['before it has asked for the archive'],
  },
  {
    name: 'a machine is tested in a sandbox, whatever its nix.conf says',
    file: 'builders/machine/self-test.ts',
    text: "    sandbox: 'true',\n",
    without: '',
    test: ESCAPE,
    only: ['a machine whose nix.conf has no sandbox'],
  },
  {
    name: 'a batch is built in a sandbox, whatever nix.conf says',
    file: 'builders/batch/build-slots.ts',
    text: "      sandbox,\n      'sandbox-fallback': 'false',\n",
    without: '',
    test: ESCAPE,
    only: ['a machine whose nix.conf has no sandbox'],
  },
  {
    name: 'the sandbox is on unless the deployment says otherwise',
    file: 'builders/machine/settings.ts',
    text: "if (value === undefined || value === '') return 'true'",
    without: "if (value === undefined || value === '') return 'false'",
    test: ENVIRONMENT,
    only: ['the sandbox is on unless somebody says otherwise'],
  },
  {
    name: 'Nix, its hooks and its builds get no credentials from the builder’s environment',
    file: 'builders/machine/nix-command.ts',
    text: 'const environment: Record<string, string> = {\n    HOME: home,',
    without:
      'const environment: Record<string, string> = {\n    ...(inherited as Record<string, string>),\n    HOME: home,',
    test: ENVIRONMENT,
    only: ['never'],
  },
  {
    name: 'a builder imports the pinned archive only',
    file: 'builders/machine/archive.ts',
    text: 'if (sha256 !== from.sha256) {',
    without: "if (sha256 === '') {",
    test: BUILD,
    only: ['an archive other than the pinned one'],
  },
  {
    name: 'a batch builds the outputs that were planned',
    file: 'builders/batch/batch.ts',
    text: 'if (planned.length === found.length && planned.every((path) => found.includes(path))) return',
    without: 'return',
    test: 'test/unit/builders/batch.test.ts',
    only: ['an output that is not the derivation’s'],
  },
  {
    name: 'inputs are taken with signatures only',
    file: 'builders/batch/substitute.ts',
    text: "'require-sigs': 'true',",
    without: "'require-sigs': 'false',",
    test: BUILD,
    only: ['takes its inputs from our cache', 'does not believe another key'],
  },
  {
    name: 'nothing unplanned is built: what lacks an input goes back to Plan',
    file: 'builders/batch/fetch-inputs.ts',
    text: 'if (lacks.length > 0) lacking.set(drvPath, lacks)',
    without: '',
    test: BUILD,
    only: ['what lacks an input that no cache has'],
  },
]

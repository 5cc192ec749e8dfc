import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Company, makeCompany } from '../../../local/demo/company.ts'
import type { EndedRun } from '../../../local/demo/run.ts'
import { LINUX, MAC } from '../../../local/demo/world.ts'
import { pushWebhook } from '../../../local/github/push-webhook.ts'
import type { Repository } from '../../../local/github/repository.ts'
import { killTree } from '../../../local/process/process-tree.ts'
import { nameOf } from '../../../nix/store-path.ts'
import { type Begun, BuilderLogs } from './builder-logs.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'

/**
 * Four repositories share most of what they need, for three systems, and are pushed within a second. Of 40 derivations four fail, and two take their builder
 * with them when they are built for the first time, on every system.
 */

const SYSTEMS = [...LINUX, MAC]
const PARTS = 40
const FAILING = [7, 17, 27, 37]
const DEADLY = [5, 12]

/** A tree: each part needs the one with half its number. */
const needOf = (part: number): number | undefined => (part < 2 ? undefined : Math.floor(part / 2))
const isBuildable = (part: number | undefined): boolean =>
  part === undefined || (!FAILING.includes(part) && isBuildable(needOf(part)))
const withNeeds = (parts: number[]): number[] =>
  parts.flatMap((part) => [part, ...withNeeds([needOf(part) ?? []].flat())])
const numbers = Array.from({ length: PARTS }, (_, part) => part)

/** Three of four parts, as far as they can be built; which ones is different for each repository. */
const goodParts = (repository: number): number[] =>
  numbers.filter((part) => part % 4 !== repository && isBuildable(part))
/** The last two have a shell besides that needs what fails. */
const badPart = (repository: number): number | undefined => [undefined, undefined, 27, 34][repository]

const flake = (repository: number): string => `{
  outputs = { self }: {
    devShells = builtins.listToAttrs (map (system: { name = system; value =
      let
        packages = import ./packages.nix { inherit system; };
        fails = number: builtins.elem number [ ${FAILING.join(' ')} ];
        parts = builtins.genList (number: packages.make {
          name = "part-\${toString number}";
          buildInputs = if number < 2 then [ ] else [ (builtins.elemAt parts (number / 2)) ];
          script = "sleep 0.3; \${if fails number then "exit 3" else "mkdir -p $out/bin; echo \${toString number} > $out/bin/part; echo $buildInputs >> $out/bin/part"}";
        }) ${PARTS};
        shell = name: numbers: packages.mkShell { inherit name; packages = map (builtins.elemAt parts) numbers; };
      in {
        good = shell "good" [ ${goodParts(repository).join(' ')} ];
        ${badPart(repository) === undefined ? '' : `bad = shell "bad" [ ${badPart(repository)} ];`}
      };
    }) [ ${SYSTEMS.map((system) => `"${system}"`).join(' ')} ]);
  };
}`

let company: TestCompany
const logs = new BuilderLogs()
const killed = new Set<string>()
let runs: EndedRun[] = []

beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 240, megabytes: 2048 }, SYSTEMS, 4, (line) => {
    if (line.includes(MAC)) logs.hear(MAC, line)
  })
  company.onEvent((event) => {
    if (event.kind === 'build-log') for (const line of event.lines) logs.hear(event.buildId, line)
  })
  logs.onBegun = (builder, name) => {
    const died = `${systemOf(builder)} ${name}`
    if (!DEADLY.some((part) => name === `part-${part}`) || killed.has(died)) return
    killed.add(died)
    logs.died(builder)
    if (builder === MAC) company.world.mac?.crash()
    else killTree(undefined, `CODEBUILD_BUILD_ID=${builder}`)
  }
  const { world } = company
  const all = await repositories()
  const pushes = await Promise.all(
    all.map(async ({ company: one, repository }, index) => {
      const commits = await one.push({ file: 'flake.nix', text: flake(index), message: 'shells' })
      return pushWebhook({ repository, ref: 'refs/heads/main', ...commits }, world.webhookSecret)
    }),
  )
  runs = await Promise.all(pushes.map(async (delivery) => company.send(delivery)))
}, 900_000)
afterAll(async () => {
  await company.close()
})

/** Three repositories beside the first, each with a git repository of its own, all configured alike. */
async function repositories(): Promise<{ company: Company; repository: Repository }[]> {
  const { world } = company
  const others = await Promise.all(
    ['acme/tools', 'acme/site', 'acme/firmware'].map(async (name) => {
      const one = await makeCompany(join(world.folder, name), 'examples/without-nixpkgs', name)
      return { company: one, repository: world.github.addRepository(name, one.bare) }
    }),
  )
  const all = [{ company: world.company, repository: world.repository }, ...others]
  await company.configure((config) => ({
    ...config,
    repositories: config.repositories.flatMap((like) =>
      all.map(({ repository }) => ({ ...like, name: repository.fullName })),
    ),
  }))
  return all
}

/** The system of a builder: the Mac's name, or the id of a build, which begins with its project. */
function systemOf(builder: string): string {
  if (builder === MAC) return MAC
  return builder.includes('aarch64-linux') ? 'aarch64-linux' : 'x86_64-linux'
}

test('every run ends with the right verdict', () => {
  expect(runs.map(({ status, summary }) => `${status} ${summary.verdict}`)).toEqual([
    'SUCCEEDED done',
    'SUCCEEDED done',
    'SUCCEEDED stuck',
    'SUCCEEDED stuck',
  ])
})

test('every shell is warm that can be, and the others name what is to blame', () => {
  const shells = runs.flatMap(({ summary }, index) => summary.shells.map((shell) => ({ ...shell, index })))
  expect(shells).toHaveLength(SYSTEMS.length * 6)
  for (const { index, attribute, status, blame = [] } of shells) {
    const isGood = attribute.endsWith('.good')
    expect([attribute, index, status]).toEqual([attribute, index, isGood ? 'warm' : 'failed'])
    const blamed = isGood ? [] : [`part-${index === 2 ? 27 : 17}.drv`]
    expect(blame.map(nameOf)).toEqual(blamed)
  }
})

describe('counted from the builders’ own logs, on each system', () => {
  const wanted = new Set(
    [0, 1, 2, 3].flatMap((index) => withNeeds([...goodParts(index), ...[badPart(index) ?? []].flat()])),
  )
  const nameOfPart = (part: number): string => `part-${part}`
  const on = (system: string): Begun[] =>
    logs.begun.filter(({ builder, name }) => systemOf(builder) === system && name.startsWith('part-'))

  test.each(SYSTEMS)(
    'every buildable derivation is built, and nothing that needs what fails: %s',
    (system) => {
      const buildable = [...wanted].filter(isBuildable)
      const tried = [...wanted].filter((part) => isBuildable(needOf(part)))
      const built = logs.built.filter(({ builder }) => systemOf(builder) === system).map(({ name }) => name)
      expect(new Set(built.filter((name) => name.startsWith('part-')))).toEqual(
        new Set(buildable.map(nameOfPart)),
      )
      expect(new Set(on(system).map(({ name }) => name))).toEqual(new Set(tried.map(nameOfPart)))
    },
  )

  test.each(SYSTEMS)('over all runs once, and again only when its builder died: %s', (system) => {
    for (const [name, begun] of Map.groupBy(on(system), ({ name }) => name)) {
      const needless = begun.slice(0, -1).filter((one) => !logs.hasDied(one))
      expect([name, needless]).toEqual([name, []])
    }
    expect([...killed].filter((died) => died.startsWith(system))).toHaveLength(DEADLY.length)
  })
})

test('no part of the system asked for more than its role allows, and the cache is whole', async () => {
  expect(company.world.stack.denied).toEqual([])
  expect(await company.faultsOfCache()).toEqual([])
})

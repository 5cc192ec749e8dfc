import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { graphOf } from '../../../functions/plan/graph-of.ts'
import type { EvaluationJob, Evaluation, Graph } from '../../../functions/shared/contract.ts'
import { verifyArchive } from '../../../nix/archive-verification.ts'
import { parseNarInfo } from '../../../nix/narinfo.ts'
import { hashPartOf, isStorePath } from '../../../nix/store-path.ts'
import { AwsDouble } from './aws-double.ts'
import { bundleBuilder, type Machine, makeMachine, type Ran } from './machine.ts'
import { commitFile, commitFlake, writeSampleFlake } from './sample-flake.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-test-evaluate-'))
const temporary = join(folder, 'tmp')
const aws = new AwsDouble()
let builder: string
let machine: Machine

beforeAll(async () => {
  mkdirSync(temporary)
  await aws.start()
  builder = await bundleBuilder(folder)
  machine = makeMachine(join(folder, 'machine'))
})

afterAll(async () => {
  await aws.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function evaluate(
  source: string,
  commit: string,
  changes: Partial<EvaluationJob> = {},
  /** keys in the cache bucket */
  cached: string[] = [],
): Promise<Ran> {
  const job: EvaluationJob = {
    kind: 'evaluate',
    run: 'run-1',
    target: { repository: 'example/sample', ref: 'refs/heads/main', commit },
    source,
    attributes: ['devShells'],
    systems: ['x86_64-linux', 'aarch64-linux'],
    limits: { secondsPerSystem: 20, megabytes: 400 },
    config: 'unused here',
    ...changes,
  }
  aws.objects.clear()
  for (const key of cached) aws.put(`cache/${key}`, 'a narinfo')
  aws.put('state/runs/run-1/job.json', JSON.stringify(job))
  return machine.run([process.execPath, builder, 'evaluate'], {
    ...aws.environment(),
    HEARTH_JOB: 'runs/run-1/job.json',
    TMPDIR: temporary,
  })
}

function evaluation(): Evaluation {
  return JSON.parse(aws.staged('evaluation.json').toString())
}

describe('a flake with healthy and broken shells', () => {
  let commit: string
  let ran: Ran
  let result: Evaluation
  let graph: Graph

  beforeAll(async () => {
    const source = join(folder, 'sample')
    commit = writeSampleFlake(source)
    ran = await evaluate(source, commit)
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 0 })
    result = evaluation()
    graph = graphOf(
      await verifyArchive([zstdDecompressSync(aws.staged('archive.zst'))], {
        maxSize: 2 ** 30,
        maxDerivations: 2 ** 30,
      }),
    )
  })

  test('every shell of every system is listed, by its attribute path', () => {
    expect(result.error).toBeUndefined()
    // it has no lock
    expect(result).not.toHaveProperty('pins')
    const names = [
      '"odd.name"',
      'default',
      'docs',
      'eats',
      'endless',
      'exotic',
      'failing',
      'imports',
      'loops',
      'missing',
    ]
    const all = [...names, 'noDerivation', 'throws'].sort()
    for (const system of ['x86_64-linux', 'aarch64-linux']) {
      const attributes = result.shells
        .filter((shell) => shell.system === system)
        .map((shell) => shell.attribute)
      expect(attributes.sort()).toEqual(all.map((name) => `devShells.${system}.${name}`))
    }
  })

  test.each([
    ['default', ''],
    ['docs', ''],
    ['failing', ''],
    ['exotic', ''],
    ['"odd.name"', ''],
    ['throws', 'this shell does not evaluate'],
    ['missing', "attribute 'b' missing\nat packages.nix:"],
    ['loops', 'did not finish within its share of the time'],
    ['eats', 'more than 400 MB of memory'],
    ['noDerivation', 'value is an integer while a set was expected'],
  ])('shell %s: %s', (name, error) => {
    for (const system of ['x86_64-linux', 'aarch64-linux']) {
      const shell = result.shells.find(({ attribute }) => attribute === `devShells.${system}.${name}`)
      if (error === '') expect(shell).toHaveProperty('drvPath')
      else expect(shell).toHaveProperty('error', expect.stringContaining(error))
    }
  })

  test.each([
    ['loops', true],
    ['eats', true],
    ['throws', false],
    ['missing', false],
    ['noDerivation', false],
  ])('what is wrong with the shell %s may pass with another machine: %s', (name, mayPass) => {
    const shell = result.shells.find(({ attribute }) => attribute === `devShells.x86_64-linux.${name}`)
    expect(shell !== undefined && 'isPassing' in shell).toBe(mayPass)
  })

  test('a shell that imports what no cache has names it', () => {
    for (const system of ['x86_64-linux', 'aarch64-linux']) {
      const shell = result.shells.find(({ attribute }) => attribute === `devShells.${system}.imports`)
      if (shell === undefined || !('needs' in shell))
        throw new Error(`it needs nothing: ${JSON.stringify(shell)}`)
      const [[imported, outputs] = []] = Object.entries(shell.needs)
      expect(imported).toMatch(/-imported-1\.0\.drv$/)
      expect(outputs).toEqual(['out'])
    }
  })

  test('the archive holds every derivation that the healthy shells need, each with its own system', () => {
    const names = Object.values(graph.derivations).map(({ name, system }) => `${system} ${name}`)
    expect(names).toContain('x86_64-linux needs-broken-1.0')
    expect(names).toContain('aarch64-linux multi-2.0')
    expect(names.filter((name) => name.endsWith('libbase-1.0'))).toHaveLength(2)
    expect(names).toContain('x86_64-linux imported-1.0')
    const exotic = Object.values(graph.derivations).find(({ name }) => name === 'exotic-1.0')
    expect(exotic).toMatchObject({ requiredSystemFeatures: ['quantum'], allowSubstitutes: true })
  })

  test('the archive is what the evaluation pins, and an empty machine can import it', async () => {
    const archive = aws.staged('archive.zst')
    expect(result.archive).toEqual({
      sha256: createHash('sha256').update(archive).digest('hex'),
      bytes: archive.length,
    })
    const other = makeMachine(join(folder, 'other'))
    const file = join(folder, 'archive')
    writeFileSync(file, zstdDecompressSync(archive))
    const imported = await other.run(['bash', '-c', 'nix-store --import < "$0"', file])
    expect(imported.status, imported.stderr).toBe(0)
    const paths = imported.stdout.split('\n').filter(isStorePath)
    expect(paths).toEqual(expect.arrayContaining(Object.keys(graph.derivations)))
  })

  test('evaluation.json is staged last', () => {
    expect(aws.stagedNames().at(-1)).toBe('evaluation.json')
  })

  test('nothing is left in the temporary folder', () => {
    expect(ran.stdout).toContain(`fetched example/sample ${commit}`)
    expect(readdirSync(temporary)).toEqual([])
  })
})

describe('a source that gives nothing to warm', () => {
  test.each([
    ['does not parse', '{ outputs = { self }: {', 'FlakeDoesNotEvaluate', 'syntax error'],
    [
      'throws',
      '{ outputs = { self }: throw "no outputs today"; }',
      'FlakeDoesNotEvaluate',
      'no outputs today',
    ],
    [
      'has no devShells',
      '{ outputs = { self }: { lib = { }; }; }',
      'NothingToWarm',
      'devShells.x86_64-linux',
    ],
    [
      'has none for these systems',
      '{ outputs = { self }: { devShells.riscv64-linux.default = 1; }; }',
      'NothingToWarm',
      'devShells.aarch64-linux',
    ],
  ])('a flake that %s', async (name, flake, error, message) => {
    const source = join(folder, name.replaceAll(' ', '-'))
    const commit = commitFlake(source, flake)
    const ran = await evaluate(source, commit)
    expect(ran.status, ran.stderr).toBe(0)
    expect(evaluation()).toMatchObject({
      shells: [],
      error: { name: error, message: expect.stringContaining(message) },
    })
    expect(aws.stagedNames()).toEqual(['evaluation.json'])
  })

  test('a commit that is gone', async () => {
    const source = join(folder, 'sample')
    const commit = '0123456789012345678901234567890123456789'
    const ran = await evaluate(source, commit)
    expect(ran.status, ran.stderr).toBe(0)
    const { error } = evaluation()
    expect(error?.name).toBe('SourceNotFound')
    expect(error?.message).toContain(`cannot fetch commit ${commit} from ${source}`)
  })
})

test('a server that does not answer is no verdict about the commit: the builder fails, to be tried again', async () => {
  const ran = await evaluate('http://127.0.0.1:9/sample.git', '0123456789012345678901234567890123456789')
  expect(ran.status).toBe(1)
  expect(ran.stderr).toContain('SourceUnavailable: cannot fetch commit 0123456789')
  expect(aws.stagedNames()).toEqual([])
})

describe('one system that cannot be listed does not hide the others', () => {
  test('it is reported with its own error', async () => {
    const source = join(folder, 'one-broken-system')
    const commit = commitFlake(
      source,
      '{ outputs = { self }: { devShells.a-system = throw "not for this system"; devShells.b-system.default = 1; }; }',
    )
    const ran = await evaluate(source, commit, { systems: ['a-system', 'b-system'] })
    expect(ran.status, ran.stderr).toBe(0)
    expect(evaluation().shells).toEqual([
      {
        attribute: 'devShells.a-system',
        system: 'a-system',
        error: expect.stringContaining('not for this system'),
      },
      {
        attribute: 'devShells.b-system.default',
        system: 'b-system',
        error: expect.stringContaining('integer'),
      },
    ])
  })
})

const nixpkgs = (body: string): string =>
  `{ outputs = { self }: { legacyPackages.x86_64-linux = ${body}; }; }`
const derivation = (name: string): string =>
  `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; }`

describe('a flake with an input called nixpkgs', () => {
  test.each([
    [
      'with a bash for it',
      nixpkgs(`{ bashInteractive = ${derivation('bash-interactive-5.2')}; }`),
      ['nixpkgs#bashInteractive'],
    ],
    ['without one', nixpkgs('{ }'), []],
  ])('%s: `nix develop` needs it, so it is warmed as well', async (name, flake, expected) => {
    const input = join(folder, `nixpkgs-${name.split(' ')[0] ?? ''}`)
    const revision = commitFlake(input, flake)
    const source = `${input}-user`
    commitFlake(
      source,
      `{
        inputs.nixpkgs.url = "git+file://${input}?rev=${revision}";
        outputs = { self, nixpkgs }: { devShells.x86_64-linux.default = ${derivation('shell')}; };
      }`,
    )
    const locked = await machine.run(['nix', 'flake', 'lock', `git+file://${source}`])
    expect(locked.status, locked.stderr).toBe(0)
    const ran = await evaluate(source, commitFile(source, 'flake.lock'), { systems: ['x86_64-linux'] })
    expect(ran.status, ran.stderr).toBe(0)
    expect(evaluation().shells.map(({ attribute }) => attribute)).toEqual([
      'devShells.x86_64-linux.default',
      ...expected,
    ])
    expect(evaluation().shells.every((shell) => 'drvPath' in shell)).toBe(true)
    // what its lock says of it
    expect(evaluation().pins).toEqual([
      { input: 'nixpkgs', rev: revision, lastModified: expect.any(Number) as number },
    ])
  })
})

test('which branch of nixpkgs a flake follows is read from its lock, and nothing is fetched for that', async () => {
  const source = join(folder, 'follows-a-channel')
  const pkgs = { owner: 'NixOS', repo: 'nixpkgs', type: 'github' }
  const locked = {
    ...pkgs,
    lastModified: 1717179513,
    narHash: `sha256-${'A'.repeat(43)}=`,
    rev: '6'.repeat(40),
  }
  const lock = {
    nodes: {
      pkgs: { flake: false, locked, original: { ...pkgs, ref: 'nixos-24.05' } },
      root: { inputs: { pkgs: 'pkgs' } },
    },
    root: 'root',
    version: 7,
  }
  mkdirSync(source)
  writeFileSync(join(source, 'flake.lock'), JSON.stringify(lock))
  const commit = commitFlake(
    source,
    `{
      inputs.pkgs = { url = "github:NixOS/nixpkgs/nixos-24.05"; flake = false; };
      outputs = { self, pkgs }: { devShells.x86_64-linux.default = ${derivation('shell')}; };
    }`,
  )
  const ran = await evaluate(source, commit, { systems: ['x86_64-linux'] })
  expect(ran.status, ran.stderr).toBe(0)
  expect(evaluation()).toMatchObject({
    shells: [{ attribute: 'devShells.x86_64-linux.default', drvPath: expect.any(String) as string }],
    pins: [
      {
        input: 'pkgs',
        repository: 'NixOS/nixpkgs',
        ref: 'nixos-24.05',
        rev: locked.rev,
        lastModified: locked.lastModified,
      },
    ],
  })
})

test('a job of another kind is refused', async () => {
  aws.objects.clear()
  aws.put('state/job.json', JSON.stringify({ kind: 'build' }))
  const ran = await machine.run([process.execPath, builder, 'evaluate'], {
    ...aws.environment(),
    HEARTH_JOB: 'job.json',
  })
  expect(ran.status).toBe(1)
  expect(ran.stderr).toContain("WrongJob: state/job.json is a job of kind 'build'")
})

describe('the inputs of a flake', () => {
  let source: string
  let commit: string
  beforeAll(async () => {
    const deeper = join(folder, 'input-deeper')
    const deeperRevision = commitFlake(deeper, '{ outputs = { self }: { }; }')
    const input = join(folder, 'input')
    commitFlake(
      input,
      `{ inputs.deeper.url = "git+file://${deeper}?rev=${deeperRevision}"; outputs = { self, deeper }: { }; }`,
    )
    const lockedInput = await machine.run(['nix', 'flake', 'lock', `git+file://${input}`])
    expect(lockedInput.status, lockedInput.stderr).toBe(0)
    const inputRevision = commitFile(input, 'flake.lock')
    const plain = join(folder, 'input-plain')
    const plainRevision = commitFlake(plain, 'this is no flake')
    source = join(folder, 'with-inputs')
    commitFlake(
      source,
      `{
        inputs.input.url = "git+file://${input}?rev=${inputRevision}";
        inputs.same.follows = "input";
        inputs.plain = { url = "git+file://${plain}?rev=${plainRevision}"; flake = false; };
        outputs = { self, input, same, plain }: { devShells.x86_64-linux.default = ${derivation('shell')}; };
      }`,
    )
    const locked = await machine.run(['nix', 'flake', 'lock', `git+file://${source}`])
    expect(locked.status, locked.stderr).toBe(0)
    commit = commitFile(source, 'flake.lock')
  })

  test('are in the archive when they are to be kept warm: all of them, each once, and proved', async () => {
    const ran = await evaluate(source, commit, { systems: ['x86_64-linux'], flakeInputs: true })
    expect(ran.status, ran.stderr).toBe(0)
    const { flakeInputs = [], shells } = evaluation()
    expect(shells).toHaveLength(1)
    expect(flakeInputs).toHaveLength(3)
    const { sources } = await verifyArchive([zstdDecompressSync(aws.staged('archive.zst'))], {
      maxSize: 2 ** 30,
      maxDerivations: 2 ** 30,
    })
    for (const path of flakeInputs) {
      const source = sources.get(path)
      expect(source?.contentAddress).toMatch(/^fixed:r:sha256:/)
      const narinfo = parseNarInfo(aws.staged(`inputs/${hashPartOf(path)}.narinfo`).toString())
      expect(narinfo).toMatchObject({ storePath: path, narHash: source?.narHash, narSize: source?.narSize })
      expect(aws.stagedNames()).toContain(`inputs/${narinfo.url}`)
    }
    expect(aws.stagedNames().at(-1)).toBe('evaluation.json')
  })

  test('are not staged when the cache has them', async () => {
    const first = await evaluate(source, commit, { systems: ['x86_64-linux'], flakeInputs: true })
    expect(first.status, first.stderr).toBe(0)
    const { flakeInputs = [] } = evaluation()
    const held = flakeInputs.slice(1).map((path) => `${hashPartOf(path)}.narinfo`)
    const again = await evaluate(source, commit, { systems: ['x86_64-linux'], flakeInputs: true }, held)
    expect(again.status, again.stderr).toBe(0)
    expect(evaluation().flakeInputs).toEqual(flakeInputs)
    const staged = aws.stagedNames().filter((name) => name.endsWith('.narinfo'))
    expect(staged).toEqual(flakeInputs.slice(0, 1).map((path) => `inputs/${hashPartOf(path)}.narinfo`))
  })

  test('that cannot be fetched are reported like a shell that does not evaluate, and the shells stay', async () => {
    const gone = join(folder, 'with-input-gone')
    const lost = join(folder, 'input-lost')
    const revision = commitFlake(lost, '{ outputs = { self }: { }; }')
    commitFlake(
      gone,
      `{
        inputs.lost.url = "git+file://${lost}?rev=${revision}";
        outputs = { self, lost }: { devShells.x86_64-linux.default = ${derivation('shell')}; };
      }`,
    )
    const locked = await machine.run(['nix', 'flake', 'lock', `git+file://${gone}`])
    expect(locked.status, locked.stderr).toBe(0)
    const head = commitFile(gone, 'flake.lock')
    // another machine, which has never seen it
    rmSync(lost, { recursive: true })
    const lock = join(gone, 'flake.lock')
    writeFileSync(
      lock,
      readFileSync(lock, 'utf8').replaceAll(/"narHash": "[^"]*"/g, `"narHash": "sha256-${'A'.repeat(43)}="`),
    )
    const another = commitFile(gone, 'flake.lock')
    expect(another).not.toBe(head)
    const ran = await evaluate(gone, another, { systems: ['x86_64-linux'], flakeInputs: true })
    expect(ran.status, ran.stderr).toBe(0)
    expect(evaluation()).not.toHaveProperty('flakeInputs')
    expect(evaluation().shells).toEqual([
      {
        attribute: 'devShells.x86_64-linux.default',
        system: 'x86_64-linux',
        drvPath: expect.any(String) as string,
      },
      { attribute: 'inputs', system: 'any', error: expect.any(String) as string, isPassing: true },
    ])
  })

  test('stay private otherwise', async () => {
    const ran = await evaluate(source, commit, { systems: ['x86_64-linux'] })
    expect(ran.status, ran.stderr).toBe(0)
    expect(evaluation()).not.toHaveProperty('flakeInputs')
    const { sources } = await verifyArchive([zstdDecompressSync(aws.staged('archive.zst'))], {
      maxSize: 2 ** 30,
      maxDerivations: 2 ** 30,
    })
    expect([...sources.keys()]).toEqual([])
  })
})

import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judgeRound } from '../../../functions/plan/evaluation-rounds.ts'
import { graphOf } from '../../../functions/plan/graph-of.ts'
import { inputsFirst } from '../../../functions/plan/inputs-first.ts'
import { wantedBy } from '../../../functions/plan/warm-set.ts'
import type {
  BuildJob,
  EvaluatedShell,
  Evaluation,
  EvaluationJob,
  Graph,
  MachineJob,
} from '../../../functions/shared/contract.ts'
import { entries } from '../../../functions/shared/graph.ts'
import { stagingPrefixOfBatch, stateKeys } from '../../../functions/shared/keys.ts'
import { verifyArchive } from '../../../nix/archive-verification.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf } from '../../../nix/signature.ts'
import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { AwsDouble, PREFIX, USER_ID } from './aws-double.ts'
import { bundleBuilder, type Machine, makeMachine, type Ran } from './machine.ts'
import { publish } from './published-cache.ts'
import { commitFlake } from './sample-flake.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-test-imports-'))
const aws = new AwsDouble()
const key = generateSecretKey('test-cache-1')
const publicKey = formatPublicKey(publicKeyOf(key))
const HOST = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux'
const FOREIGN = HOST === 'x86_64-linux' ? 'aarch64-linux' : 'x86_64-linux'

/** Every way in which evaluating a shell needs what was built, for both systems. */
const FLAKE = `
{
  outputs = { self }:
    let
      bash = "\${builtins.path { path = ./bootstrap; name = "bootstrap"; }}/bash";
      each = make: { ${HOST} = make "${HOST}"; ${FOREIGN} = make "${FOREIGN}"; };
      packages = system: rec {
        mk = name: script: extra: derivation ({ inherit name system; builder = bash; args = [ "-ec" script ]; } // extra);
        shell = name: inputs: mk "\${name}-shell" "export > $out" { inherit inputs; };
        planner = mk "planner" "echo planner > $out" { };
        plan = mk "plan" "echo \${planner}; echo '[ \\"alpha\\" \\"beta\\" ]' > $out" { };
        # named by what the first import says
        generated = mk "generated-\${builtins.concatStringsSep "-" (import plan)}" "echo '{ greeting = \\"hello\\"; }' > $out" { };
        trivial = mk "trivial" "echo '\\"trivial\\"' > $out" { allowSubstitutes = false; inherit planner; };
        library = mk "library" "echo library > $out; echo header > $dev" { outputs = [ "out" "dev" ]; };
      };
    in {
      devShells = each (system: with packages system; {
        a-plain = shell "plain" [ planner ];
        b-once = shell "once" (import plan);
        c-nested = shell (import generated).greeting [ ];
        d-local = shell (import trivial) [ ];
        e-output = shell "output" [ (builtins.readFile library.dev) ];
        f-filtered = shell "filtered" [ (builtins.path { path = library; name = "copy"; filter = path: type: true; }) ];
        g-broken = shell "broken" [ (import plan).notThere ];
        h-throws = throw "thrown, but not before \${toString (import plan)}";
      });
      # even its names
      checks = each (system: with packages system;
        builtins.listToAttrs (map (name: { inherit name; value = mk name "echo > $out" { }; }) (import plan)));
    };
}
`

let builder: string
let source: string
let commit: string

beforeAll(async () => {
  await aws.start()
  builder = await bundleBuilder(folder)
  source = join(folder, 'flake')
  mkdirSync(join(source, 'bootstrap'), { recursive: true })
  copyFileSync('/bin/bash-static', join(source, 'bootstrap', 'bash'))
  commit = commitFlake(source, FLAKE)
})

afterAll(async () => {
  await aws.stop()
  rmSync(folder, { recursive: true, force: true })
})

const settings = (): Record<string, string> => ({ ...aws.environment(), HEARTH_SANDBOX: 'false' })

async function runEvaluator(machine: Machine, job: EvaluationJob): Promise<Ran> {
  aws.put('state/job.json', JSON.stringify(job))
  return machine.run([process.execPath, builder, 'evaluate'], { ...settings(), HEARTH_JOB: 'job.json' })
}

/** Hands one batch to a machine, and then nothing more. */
async function runBuilder(machine: Machine, job: BuildJob, nixConfig: string): Promise<Ran> {
  const key = stateKeys.batch(job.run, job.batch)
  const turns: MachineJob[] = [
    { version: 1, token: 'token', job: key },
    { version: 1, end: true },
  ]
  aws.put(`state/${key}`, JSON.stringify(job))
  for (const [index, turn] of turns.entries())
    aws.put(`state/${stateKeys.machineJob(USER_ID, index + 1)}`, JSON.stringify(turn))
  return machine.run([process.execPath, builder, 'work'], { ...settings(), NIX_CONFIG: nixConfig })
}

interface Round {
  evaluation: Evaluation
  graph: Graph
  ran: Ran
}

let machines = 0
async function evaluate(changes: Partial<EvaluationJob> = {}, machine?: Machine): Promise<Round> {
  aws.clearStaging()
  const job: EvaluationJob = {
    kind: 'evaluate',
    run: 'run-1',
    target: { repository: 'example/imports', ref: 'refs/heads/main', commit },
    source,
    attributes: ['devShells', 'checks'],
    systems: [HOST, FOREIGN],
    limits: { secondsPerSystem: 60, megabytes: 400 },
    publicKeys: [publicKey],
    upstreams: [],
    config: 'unused here',
    ...changes,
  }
  const ran = await runEvaluator(machine ?? makeMachine(join(folder, `evaluator-${++machines}`)), job)
  expect(ran.status, ran.stdout + ran.stderr).toBe(0)
  const archive = aws.staged('archive.zst')
  aws.put('state/archive.zst', archive)
  const verified = await verifyArchive([zstdDecompressSync(archive)], { maxSize: 1e9, maxDerivations: 1e9 })
  return { evaluation: JSON.parse(aws.staged('evaluation.json').toString()), graph: graphOf(verified), ran }
}

/** Builds what an evaluation needs, as machines of each system would, and publishes it. */
async function buildAndPublish({ evaluation, graph }: Round): Promise<void> {
  const archive = { key: 'archive.zst', sha256: evaluation.archive?.sha256 ?? '' }
  const inputsOf = (drvPath: StorePath): StorePath[] =>
    entries(graph.derivations[drvPath]?.inputDrvs ?? {}).map(([input]) => input)
  for (const system of [HOST, FOREIGN]) {
    const needed = evaluation.shells.flatMap((shell) =>
      'needs' in shell && shell.system === system ? entries(shell.needs).map(([drvPath]) => drvPath) : [],
    )
    const drvPaths = inputsFirst(needed, inputsOf)
    const batch = `1-${system}-1-1`
    aws.prefix = stagingPrefixOfBatch(USER_ID, 'run-1', batch)
    aws.clearStaging()
    const job: BuildJob = {
      kind: 'build',
      run: 'run-1',
      batch,
      wave: 1,
      system,
      archive,
      derivations: drvPaths.map((drvPath) => ({
        drvPath,
        outputs: graph.derivations[drvPath]?.outputs ?? {},
        inputs: [],
        needs: inputsOf(drvPath),
        path: 1,
        isAwaited: false,
      })),
      upstreams: [],
      publicKeys: [publicKey],
      maxNarSize: 1e9,
    }
    // the static bash runs here, whatever system it is said to be for
    const nixConfig = `build-users-group =\nsubstituters =\nextra-platforms = ${FOREIGN}\n`
    const ran = await runBuilder(makeMachine(join(folder, `builder-${++machines}`)), job, nixConfig)
    expect(ran.status, ran.stdout + ran.stderr).toBe(0)
    publish(aws, key)
    aws.clearStaging()
  }
  aws.prefix = PREFIX
}

function shellsOf({ evaluation }: Round, system: string): Record<string, EvaluatedShell> {
  const prefix = new RegExp(`^(devShells|checks)\\.${system}\\.?`)
  const shells = evaluation.shells.filter((shell) => shell.system === system)
  return Object.fromEntries(
    shells.map((shell) => [
      shell.attribute.replace(prefix, (_, set) => (set === 'checks' ? 'checks.' : '')),
      shell,
    ]),
  )
}

/** Which derivations and outputs: `plan!out`. */
function names(graph: Graph, outputs: EvaluatedShell | undefined, field: 'needs' | 'imported'): string[] {
  const value = outputs !== undefined && field in outputs ? Reflect.get(outputs, field) : {}
  return entries(value as Record<StorePath, string[]>)
    .flatMap(([drvPath, all]) => all.map((output) => `${graph.derivations[drvPath]?.name}!${output}`))
    .toSorted()
}

describe('shells that import what derivations make, for the own system and a foreign one', () => {
  let first: Round
  let second: Round
  let third: Round

  beforeAll(async () => {
    first = await evaluate()
    await buildAndPublish(first)
    second = await evaluate()
    await buildAndPublish(second)
    third = await evaluate()
  })

  test.each([
    ['a-plain', []],
    ['b-once', ['plan!out']],
    ['c-nested', ['plan!out']],
    ['d-local', ['trivial!out']],
    ['e-output', ['library!dev']],
    ['f-filtered', ['library!out']],
    ['g-broken', ['plan!out']],
    ['h-throws', ['plan!out']],
    ['checks.', ['plan!out']],
  ])('at first %s lacks %j', (name, expected) => {
    for (const system of [HOST, FOREIGN]) {
      const shell = shellsOf(first, system)[name]
      expect(names(first.graph, shell, 'needs')).toEqual(expected)
      if (expected.length === 0) expect(shell).toHaveProperty('drvPath')
      else expect(shell).not.toHaveProperty('drvPath')
    }
  })

  test('when that is published all but the nested one get on, and lack nothing twice', () => {
    for (const system of [HOST, FOREIGN]) {
      const shells = shellsOf(second, system)
      const waiting = Object.keys(shells).filter((name) => 'needs' in (shells[name] ?? {}))
      expect(waiting).toEqual(['c-nested'])
      expect(names(second.graph, shells['c-nested'], 'needs')).toEqual(['generated-alpha-beta!out'])
    }
    const round = {
      number: 2,
      build: 'evaluator:2',
      neededBefore: Object.fromEntries(
        first.evaluation.shells.flatMap((shell) =>
          'needs' in shell ? [[`${shell.attribute} ${shell.system}`, shell.needs]] : [],
        ),
      ),
    }
    const held = new Set(
      second.evaluation.shells
        .flatMap((shell) => wantedBy(second.graph, shell))
        .flatMap(({ path }) => path ?? []),
    )
    expect(judgeRound(second.graph, { ...second.evaluation, round }, held).ready).toHaveLength(2)
  })

  test.each([
    ['b-once', ['plan!out']],
    ['c-nested', ['generated-alpha-beta!out', 'plan!out']],
    ['d-local', ['trivial!out']],
    ['e-output', ['library!dev']],
    ['f-filtered', ['library!out']],
    ['checks.alpha', ['plan!out']],
    ['checks.beta', ['plan!out']],
  ])('in the end %s has its derivation, and its imports are known: %j', (name, expected) => {
    for (const system of [HOST, FOREIGN]) {
      const shell = shellsOf(third, system)[name]
      expect(shell).toHaveProperty('drvPath')
      expect(names(third.graph, shell, 'imported')).toEqual(expect.arrayContaining(expected))
    }
  })

  test.each([
    ['g-broken', 'value is a list while a set was expected'],
    ['h-throws', 'thrown, but not before alpha beta'],
  ])('%s says what Nix says, and nothing of imports', (name, message) => {
    for (const system of [HOST, FOREIGN]) {
      const shell = shellsOf(third, system)[name]
      expect(shell).toHaveProperty('error', expect.stringContaining(message))
    }
  })

  test('nothing was built by an evaluator', () => {
    for (const { ran } of [first, second, third]) expect(ran.stdout + ran.stderr).not.toMatch(/^building /m)
  })

  test('what was in the store already is known to be imported, too', async () => {
    const machine = makeMachine(join(folder, 'used-before'))
    const before = await evaluate({}, machine)
    const again = await evaluate({}, machine)
    expect(again.evaluation.shells).toEqual(before.evaluation.shells)
  })

  test('what has no signature that is trusted counts as nowhere', async () => {
    const stranger = formatPublicKey(publicKeyOf(generateSecretKey('test-cache-1')))
    const untrusted = await evaluate({ publicKeys: [stranger] })
    const shell = shellsOf(untrusted, FOREIGN)['b-once']
    expect(names(untrusted.graph, shell, 'needs')).toEqual(['plan!out'])
  })

  test('the archive is bound to what is needed, and the cache has it by its output path', () => {
    const [made] = Object.values(third.graph.derivations).filter(({ name }) => name === 'trivial')
    const path = made?.outputs['out']
    expect(path).toBeDefined()
    expect(made?.allowSubstitutes).toBe(false)
    if (path !== undefined) expect(aws.objects.has(`cache/${hashPartOf(path)}.narinfo`)).toBe(true)
    const sha256 = createHash('sha256').update(aws.staged('archive.zst')).digest('hex')
    expect(JSON.parse(aws.staged('evaluation.json').toString())).toHaveProperty('archive.sha256', sha256)
  })
})

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type {
  Evaluation,
  EvaluationJob,
  EvaluationTokenAnswer,
  EvaluationTokenRequest,
} from '../../../functions/shared/contract.ts'
import { nixConfigWithToken } from '../../../builders/evaluation/token-settings.ts'
import { describeEachNix } from '../nix/available-nix.ts'
import { AwsDouble, PREFIX } from './aws-double.ts'
import { flakeWith, gitHubInput, gitInput, type LockedInput } from './locked-input.ts'
import { bundleBuilder, type Machine, makeMachine, type Ran } from './machine.ts'
import { HOST, type PrivateGitHub, startPrivateGitHub } from './private-github.ts'
import { commitFile, commitFlake } from './sample-flake.ts'
import { type SpiedNix, spyOnNix } from './spied-nix.ts'

const TOKEN = 'ghs_privateToken0123456789abcdefghij'
const LATER = 'ghs_laterToken0123456789abcdefghijkl'
const basic = (token: string): string => Buffer.from(`x-access-token:${token}`).toString('base64')
const SECRETS = [TOKEN, LATER, basic(TOKEN), basic(LATER)]
const BUILD = 'hearth-prod-evaluator:1'

const folder = mkdtempSync(join(tmpdir(), 'hearth-test-private-'))
const aws = new AwsDouble()
const repositories = new Map<string, string>()
let gitHub: PrivateGitHub
let builder: string

beforeAll(async () => {
  await aws.start()
  builder = await bundleBuilder(folder)
  for (const name of ['lib', 'tools', 'payroll']) {
    const repository = join(folder, 'acme', name)
    mkdirSync(repository, { recursive: true })
    writeFileSync(join(repository, 'name.nix'), `"private-${name}"\n`)
    commitFlake(repository, '{ outputs = _: { }; }\n')
    repositories.set(`acme/${name}`, repository)
  }
  gitHub = await startPrivateGitHub(folder, repositories)
})

afterAll(async () => {
  await gitHub.close()
  await aws.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** With content that no store has yet: Nix takes what it knows by its hash from there. */
function repositoryOf(name: string): string {
  const repository = repositories.get(name)
  if (repository === undefined) throw new Error(`there is no ${name}`)
  writeFileSync(join(repository, 'nonce'), randomUUID())
  commitFile(repository, '.')
  return repository
}
const git = (name: string): LockedInput => gitInput(repositoryOf(name), `http://${HOST}/${name}`)
const ssh = (name: string): LockedInput => gitInput(repositoryOf(name), `ssh://git@${HOST}/${name}`)
const api = (name: string): LockedInput => gitHubInput(repositoryOf(name), name, HOST)

/** A shell of each input, named for what is in the input. */
const SHELLS = `inputs: {
    devShells.x86_64-linux = builtins.mapAttrs
      (_: input: derivation { name = import (input + "/name.nix"); system = "x86_64-linux"; builder = "/bin/sh"; })
      (removeAttrs inputs [ "self" ]);
  }`

/** Commits acme/shells as a repository of this GitHub. @returns the commit */
function pushShells(
  inputs: Record<string, LockedInput>,
  outputs = SHELLS,
  more: (repository: string) => void = () => undefined,
): string {
  const repository = mkdtempSync(join(folder, 'shells-'))
  const { flake, lock } = flakeWith(inputs, outputs)
  if (Object.keys(inputs).length > 0) writeFileSync(join(repository, 'flake.lock'), lock)
  more(repository)
  const commit = commitFlake(repository, flake)
  repositories.set('acme/shells', repository)
  return commit
}

/** What follows sees this GitHub under its name. */
const inItsNetwork = (): string[] => ['bash', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', gitHub.hosts]

/** What the function gives: a token that reads these, for the target acme/shells. */
function gives(token: string, readable: string[], more: Partial<EvaluationTokenAnswer> = {}) {
  const expires = new Date(Date.now() + 3600_000).toISOString()
  const own = ['acme/shells', ...readable]
  return { answer: { token, expires, isApp: true, repositories: own, unreachable: [], ...more } }
}

describeEachNix('private sources', (nix) => {
  const own = join(folder, nix.root === undefined ? 'here' : 'newer')
  const temporary = join(own, 'tmp')
  let machine: Machine
  let spied: SpiedNix
  const requests: EvaluationTokenRequest[] = []

  beforeAll(() => {
    mkdirSync(temporary, { recursive: true })
    machine = makeMachine(join(own, 'machine'))
    spied = spyOnNix(own, nix)
    gitHub.tokens.set(TOKEN, ['acme/shells', 'acme/lib', 'acme/tools'])
  })

  /** Evaluates acme/shells at a commit. @param answers what the function gives, one after the other; the last one again */
  async function evaluate(
    commit: string,
    answers: ReturnType<AwsDouble['invoke']>[],
    changes: Partial<EvaluationJob> = {},
  ): Promise<{ ran: Ran; result: Evaluation; archive: Buffer }> {
    requests.length = 0
    gitHub.asked.length = 0
    spied.forget()
    const left = [...answers]
    aws.invoke = (payload) => {
      const { build, nonce } = payload as EvaluationTokenRequest
      requests.push({ build, nonce })
      expect(aws.objects.has(`staging/${PREFIX}token/${nonce}`)).toBe(true)
      const [first] = left
      if (first === undefined) throw new Error('this test gives no token')
      if (left.length > 1) left.shift()
      return first
    }
    const job: EvaluationJob = {
      kind: 'evaluate',
      run: 'run-1',
      target: { repository: 'acme/shells', ref: 'refs/heads/main', commit },
      source: `http://${HOST}/acme/shells.git`,
      attributes: ['devShells'],
      systems: ['x86_64-linux'],
      limits: { secondsPerSystem: 60, megabytes: 400 },
      config: 'unused here',
      ...changes,
    }
    aws.objects.clear()
    aws.put('state/runs/run-1/job.json', JSON.stringify(job))
    const ran = await machine.run([...inItsNetwork(), process.execPath, builder, 'evaluate'], {
      ...aws.environment(),
      PATH: spied.path,
      HEARTH_JOB: 'runs/run-1/job.json',
      HEARTH_TOKEN_FUNCTION: 'evaluation-token',
      CODEBUILD_BUILD_ID: BUILD,
      NIX_SSL_CERT_FILE: gitHub.certificate,
      TMPDIR: temporary,
    })
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 0 })
    const result = JSON.parse(aws.staged('evaluation.json').toString()) as Evaluation
    const archive =
      result.archive === undefined ? Buffer.alloc(0) : zstdDecompressSync(aws.staged('archive.zst'))
    leavesNothing(ran, archive)
    return { ran, result, archive }
  }

  /** Neither token is anywhere that outlives the evaluation, nor on a command line, nor in an environment. */
  function leavesNothing({ stdout, stderr }: Ran, archive: Buffer): void {
    const staged = aws.stagedNames().map((name) => aws.staged(name).toString('latin1'))
    const commands = spied.started().flatMap((one) => [one.arguments, one.environment])
    const texts = [stdout, stderr, archive.toString('latin1'), ...staged, ...commands]
    for (const secret of SECRETS) expect(texts.filter((text) => text.includes(secret))).toEqual([])
    expect(readdirSync(temporary)).toEqual([])
    const patterns = SECRETS.flatMap((secret) => ['-e', secret])
    const found = spawnSync('grep', ['-raFl', ...patterns, join(own, 'machine')], { encoding: 'utf8' })
    expect(found.stdout).toBe('')
  }

  const names = ({ shells }: Evaluation): string[] =>
    shells.map((shell) =>
      'drvPath' in shell ? shell.drvPath.replace(/^.{44}|\.drv$/g, '') : 'no derivation',
    )
  const errorsOf = ({ shells, error }: Evaluation): string =>
    [error?.message ?? '', ...shells.map((shell) => ('error' in shell ? shell.error : ''))].join('\n')

  describe('with a token', () => {
    test.each([
      ['none but itself', () => ({}), []],
      ['git+http', () => ({ lib: git('acme/lib') }), ['private-lib']],
      ['git+ssh', () => ({ lib: ssh('acme/lib') }), ['private-lib']],
      ['github', () => ({ lib: api('acme/lib') }), ['private-lib']],
      [
        'all of them, of two repositories',
        () => ({ one: git('acme/lib'), two: api('acme/tools') }),
        ['private-lib', 'private-tools'],
      ],
    ] as const)('a private repository is evaluated, with inputs by %s', async (_, inputs, expected) => {
      const outputs = expected.length === 0 ? '_: { devShells.x86_64-linux.a = throw "empty"; }' : SHELLS
      const { result } = await evaluate(pushShells(inputs(), outputs), [
        gives(TOKEN, ['acme/lib', 'acme/tools']),
      ])
      if (expected.length > 0) expect(names(result)).toEqual(expected)
      expect(result.error).toBeUndefined()
      expect(gitHub.asked.filter((asked) => !asked.endsWith(TOKEN))).toEqual([])
      // one token for all of it
      expect(requests).toEqual([{ build: BUILD, nonce: expect.stringMatching(/^[0-9a-f]{32}$/) as string }])
    })
    test('the sources of its inputs are fetched with it, too', async () => {
      const commit = pushShells({ lib: git('acme/lib') })
      const { result } = await evaluate(commit, [gives(TOKEN, ['acme/lib'])], { flakeInputs: true })
      expect(result.flakeInputs).toHaveLength(1)
    })
    test('one that would not outlive the next process is replaced before', async () => {
      gitHub.tokens.delete(LATER)
      const soon = new Date(Date.now() + 60_000).toISOString()
      const commit = pushShells({ lib: git('acme/lib') })
      // the first one reads the target, and has expired when the input is fetched
      gitHub.tokens.set(TOKEN, ['acme/shells'])
      gitHub.tokens.set(LATER, ['acme/lib'])
      const { result } = await evaluate(commit, [
        gives(TOKEN, ['acme/lib'], { expires: soon }),
        gives(LATER, ['acme/lib']),
      ])
      gitHub.tokens.set(TOKEN, ['acme/shells', 'acme/lib', 'acme/tools'])
      expect(names(result)).toEqual(['private-lib'])
      expect(new Set(requests.map(({ nonce }) => nonce)).size).toBe(2)
    })
  })

  describe('what cannot be read says what to do', () => {
    test.each([
      ['git+http', () => git('acme/payroll'), 'privateInputs'],
      ['git+ssh', () => ssh('acme/payroll'), 'privateInputs'],
      ['github', () => api('acme/payroll'), 'put `privateInputs: [acme/payroll]` beside its name'],
    ] as const)('an input by %s that hearth.yml does not allow', async (_, input, expected) => {
      const { result } = await evaluate(pushShells({ payroll: input() }), [gives(TOKEN, ['acme/lib'])])
      expect(errorsOf(result)).toContain(expected)
      expect(errorsOf(result)).toContain('acme/shells')
      // the same commit is evaluated again when it has been allowed
      expect(result.shells).toMatchObject([{ isPassing: true }])
    })
    test('an input on which the App is not installed', async () => {
      const unreachable = [
        { repository: 'acme/payroll', why: 'the GitHub App is not installed on acme/payroll' },
      ]
      const { ran, result } = await evaluate(
        pushShells({ lib: git('acme/lib'), payroll: api('acme/payroll') }),
        [gives(TOKEN, ['acme/lib'], { unreachable })],
      )
      expect(errorsOf(result)).toContain('not installed on acme/payroll')
      expect(ran.stdout).toContain('not installed on acme/payroll')
      expect(names(result)).toContain('private-lib')
    })
    test('the target, when nobody has given Hearth credentials', async () => {
      const { result } = await evaluate(pushShells({ lib: git('acme/lib') }), [
        { answer: { isApp: false, repositories: ['acme/shells'], unreachable: [] } },
      ])
      expect(result.error).toMatchObject({
        name: 'SourceNotFound',
        message: expect.stringContaining('`hearth github setup`') as string,
      })
    })
    test('the target, when the function gives no token', async () => {
      const { result } = await evaluate(pushShells({ lib: git('acme/lib') }), [
        { errorType: 'AppNotInstalled', errorMessage: 'the GitHub App is not installed on acme/shells' },
      ])
      expect(result.error?.message).toContain('the GitHub App is not installed on acme/shells')
    })
  })

  describe('code that looks for the token finds nothing', () => {
    const NAMES = ['NIX_CONFIG', 'NIX_USER_CONF_FILES', 'GIT_CONFIG_GLOBAL', 'GIT_CONFIG_VALUE_0', 'HOME']
    const FILES = /access-[0-9a-f]{32}/
    const environment = `builtins.concatStringsSep "," (map (name: "[" + builtins.getEnv name + "]") ${JSON.stringify(NAMES).replaceAll(',', ' ')})`
    const EMPTY = NAMES.map(() => '[]').join(',')
    const drv = (argument: string): string =>
      `derivation { name = "spy"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ (${argument}) ]; }`
    const READS: Record<string, string> = {
      environ: 'builtins.readFile "/proc/self/environ"',
      commandLine: 'builtins.readFile "/proc/self/cmdline"',
      parent: 'builtins.readFile "/proc/1/environ"',
      folder: 'toString (builtins.attrNames (builtins.readDir "/proc/self"))',
      home: 'builtins.readFile "/root/.config/nix/nix.conf"',
      configuration: 'builtins.readFile "/etc/nix/nix.conf"',
      path: '"${builtins.path { path = "/proc/self/environ"; name = "x"; }}"',
      fetched: '"${builtins.fetchurl "file:///proc/self/environ"}"',
      hashed: `"\${builtins.fetchurl { url = "file:///proc/self/environ"; sha256 = "${'0'.repeat(64)}"; }}"`,
      included: '"${import /proc/self/environ}"',
      searched: 'builtins.readFile <nixpkgs>',
    }

    test('a hostile flake', async () => {
      const shells = Object.entries({ ...READS, linked: 'builtins.readFile ./link' })
      const outputs = `_: { devShells.x86_64-linux = {
        empty = ${drv(environment)};
        traced = builtins.trace (${environment}) (${drv('"traced"')});
        thrown = throw (${environment});
        ${shells.map(([name, read]) => `${name} = ${drv(read)};`).join('\n')}
      }; }`
      const commit = pushShells({ lib: git('acme/lib') }, outputs, (repository) =>
        symlinkSync('/proc/self/environ', join(repository, 'link')),
      )
      const { result, archive } = await evaluate(commit, [gives(TOKEN, ['acme/lib'])])
      const found = result.shells.filter((shell) => 'drvPath' in shell).map(({ attribute }) => attribute)
      expect(found.sort()).toEqual(['devShells.x86_64-linux.empty', 'devShells.x86_64-linux.traced'])
      expect(archive.toString('latin1')).toContain(EMPTY)
      expect(errorsOf(result)).toContain(EMPTY)
      // they were there to be found
      const evaluations = spied.started().filter((one) => one.arguments.includes('pure-eval true'))
      expect(evaluations.length).toBeGreaterThan(0)
      for (const { environment: seen } of evaluations) expect(seen).toMatch(FILES)
    })

    test('a hostile shell.nix, whose process cannot find a token at all', async () => {
      const shells = Object.entries(READS)
      const commit = pushShells({}, '_: { }', (repository) => {
        writeFileSync(
          join(repository, 'shell.nix'),
          `{
            empty = ${drv(environment)};
            thrown = throw (${environment});
            ${shells.map(([name, read]) => `${name} = ${drv(read)};`).join('\n')}
          }`,
        )
      })
      const attributes = ['empty', 'thrown', ...shells.map(([name]) => name)].map(
        (name) => `shell.nix#${name}`,
      )
      const { result, archive } = await evaluate(commit, [gives(TOKEN, [])], { attributes })
      const found = result.shells.filter((shell) => 'drvPath' in shell).map(({ attribute }) => attribute)
      expect(found).toEqual(['shell.nix#empty (x86_64-linux)'])
      expect(archive.toString('latin1')).toContain(EMPTY)
      const evaluations = spied.started().filter((one) => one.arguments.includes('restrict-eval true'))
      expect(evaluations.length).toBeGreaterThan(0)
      for (const { environment: seen } of evaluations) expect(seen).not.toMatch(FILES)
    })

    test('nix-daemon, which a client tells its settings', async () => {
      const [daemon, proxy] = [join(own, 'daemon.sock'), join(own, 'proxy.sock')]
      const conf = join(own, 'nix.conf')
      writeFileSync(conf, nixConfigWithToken({ base: `https://${HOST}`, owner: 'acme' }, TOKEN))
      const server = machine.start(['nix-daemon'], {
        PATH: spied.path,
        NIX_DAEMON_SOCKET_PATH: daemon,
        // otherwise it asks itself
        NIX_REMOTE: 'local',
      })
      const heard: Buffer[] = []
      const between = createServer((client) => {
        const onward = connect(daemon)
        client.on('data', (bytes) => heard.push(Buffer.from(bytes)))
        for (const end of [client, onward]) end.on('error', () => client.destroy())
        client.pipe(onward).pipe(client)
      })
      between.listen(proxy)
      try {
        await vi.waitUntil(() => existsSync(daemon), { timeout: 20_000 })
        const settings = [
          '--extra-experimental-features',
          'nix-command',
          '--option',
          'fsync-metadata',
          'false',
        ]
        const ran = await machine.run(
          ['timeout', '60', 'nix', 'eval', ...settings, '--expr', 'builtins.toFile "a" "b"'],
          { PATH: spied.path, NIX_USER_CONF_FILES: conf, NIX_REMOTE: `unix://${proxy}` },
        )
        expect(ran, ran.stderr).toMatchObject({ status: 0 })
      } finally {
        between.close()
        server.kill('SIGKILL')
        rmSync(conf)
      }
      const said = Buffer.concat(heard).toString('latin1')
      // a setting of the store: these are the words that count
      expect(said).toContain('fsync-metadata')
      for (const secret of SECRETS) expect(said).not.toContain(secret)
    })

    test('whatever else runs cannot find it either', async () => {
      await evaluate(pushShells({ lib: git('acme/lib') }), [gives(TOKEN, ['acme/lib'])])
      const others = spied.started().filter((one) => !one.arguments.includes('pure-eval true'))
      expect(others.length).toBeGreaterThan(0)
      for (const { environment: seen } of others) expect(seen).not.toMatch(FILES)
    })
  })
})

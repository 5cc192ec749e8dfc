import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { graphOf } from '../../functions/plan/graph-of.ts'
import { entries } from '../../functions/shared/graph.ts'
import { type DemoMachine, makeMachine } from '../../local/demo/machine.ts'
import { mustSucceed, onMachine } from '../../local/demo/on-machine.ts'
import { stagingPrefixOfBatch } from '../../functions/shared/keys.ts'
import { verifyArchive } from '../../nix/archive-verification.ts'
import { baseNameOf } from '../../nix/store-path.ts'
import { AwsDouble, USER_ID } from '../local/builders/aws-double.ts'
import { bundleBuilder } from '../local/builders/machine.ts'

/*
 * The attacker is whoever pushes: a builder builds what it wrote. What it could take from a machine that does not shut its builds in is the builder's
 * credentials and everything that is built there after it. A builder tries that itself before it builds anything, and refuses such a machine.
 */
const folder = mkdtempSync(join(tmpdir(), 'hearth-escape-'))
const SELF_TEST = resolve('builders/machine/self-test.ts')
const aws = new AwsDouble()
aws.prefix = stagingPrefixOfBatch(USER_ID, 'run-1', 'batch-1')
let builder: string

beforeAll(async () => {
  await aws.start()
  builder = await bundleBuilder(folder)
  writeFileSync(
    join(folder, 'prove.ts'),
    `import { mkdtempSync } from 'node:fs'
     import { proveSandbox } from ${JSON.stringify(SELF_TEST)}
     const [sandbox] = process.argv.slice(2)
     const environment = { PATH: process.env.PATH, HOME: process.env.HOME, NIX_CONF_DIR: process.env.NIX_CONF_DIR }
     // a work folder that every user of the machine may enter: only the sandbox is in the way
     const folder = mkdtempSync('/tmp/hearth-job-')
     const { chmodSync, rmSync } = await import('node:fs')
     chmodSync(folder, 0o755)
     try {
       await proveSandbox({ environment, sandbox, folder, say: console.log })
     } catch (error) {
       console.log(error.name + ': ' + error.message)
     } finally {
       rmSync(folder, { recursive: true })
     }`,
  )
})

afterAll(async () => {
  await aws.stop()
  rmSync(folder, { recursive: true, force: true })
})

let machines = 0

/** A machine with a /nix of its own. */
async function machineWith(settings: Record<string, string> = {}): Promise<DemoMachine> {
  const name = `machine-${++machines}`
  return makeMachine(join(folder, name), name, settings)
}

/** The same machine, with something done on it first: commands of a shell, before whatever runs there. */
function after(machine: DemoMachine, script: string): DemoMachine {
  const wrap = (command: string[]): string[] =>
    machine.wrap(['bash', '-c', `${script}\nexec "$@"`, machine.folder, ...command])
  return { ...machine, wrap }
}

/** The same machine, whose `nix-build` is this script; `real` is Nix's own. */
function withNixBuild(machine: DemoMachine, script: string): DemoMachine {
  const bin = join(machine.folder, 'bin')
  mkdirSync(bin)
  writeFileSync(
    join(bin, 'nix-build'),
    `#!/bin/bash\nreal=$(PATH=\${PATH#*:} type -P nix-build)\n${script}\n`,
  )
  chmodSync(join(bin, 'nix-build'), 0o755)
  return after(machine, `export PATH=${bin}:$PATH`)
}

/** A Nix that does not do what it is told about its sandbox: the file that it is to build runs as it is on the machine. */
const IGNORES_SANDBOX = `
args=("$@")
for index in "\${!args[@]}"; do
  [ "\${args[$index]}" = sandbox ] && args[$((index + 1))]=false
done
sed -i -e 's#"/hearth-self-test/loader"#"${process.execPath}"#g' \\
  -e 's#"--library-path" "/hearth-self-test/lib" "/hearth-self-test/node"##g' "\${args[-1]}"
exec "$real" "\${args[@]}"`

/** What the self-test says on a machine. */
async function selfTest(machine: DemoMachine, sandbox = 'true'): Promise<string> {
  const command = [process.execPath, join(folder, 'prove.ts'), sandbox]
  const { stdout, stderr } = await onMachine(machine, command, folder)
  return stdout.trim() || stderr
}

describe('a machine that shuts its builds in', () => {
  test('is taken', async () => {
    expect(await selfTest(await machineWith())).toMatch(/^self-test: a build on this machine cannot escape/)
  })
  test('is taken twice: nothing of the first test answers the second', async () => {
    const machine = await machineWith()
    for (const time of [1, 2]) expect(await selfTest(machine), `time ${time}`).toMatch(/cannot escape/)
  })
})

describe('a machine whose builds can escape is refused', () => {
  test('builds are root outside of their sandbox: no build users', async () => {
    const said = await selfTest(await machineWith({ 'build-users-group': '' }))
    expect(said).toMatch(/^MachineLeaks: nothing is built here, because a build can /)
    expect(said).toContain('write to its input')
    expect(said).toContain('be root on this machine')
    expect(said).toContain('change its input')
  })

  test('Nix ignores the sandbox, and builds as users of its own', async () => {
    const said = await selfTest(withNixBuild(await machineWith(), IGNORES_SANDBOX))
    expect(said).toMatch(/^MachineLeaks: /)
    for (const escape of [
      'read a store path that it was not given',
      "read a file of the builder's job",
      "reach a server on this machine's 127.0.0.1",
    ])
      expect(said).toContain(escape)
  })

  test('Nix ignores the sandbox, and builds as root: it reads the credentials of the job', async () => {
    const said = await selfTest(withNixBuild(await machineWith({ 'build-users-group': '' }), IGNORES_SANDBOX))
    expect(said).toMatch(/^MachineLeaks: /)
    expect(said).toMatch(/read the environment of another process \(\d+\)/)
  })

  test("the sandbox shows the Nix daemon's socket", async () => {
    const socket = '/nix/var/nix/daemon-socket/socket'
    const machine = after(
      await machineWith({ 'sandbox-paths': '/nix/var/nix/daemon-socket' }),
      `mkdir -p $(dirname ${socket})
      ${process.execPath} -e "require('net').createServer().listen('${socket}', () => require('fs').chmodSync('${socket}', 0o666))" &
      until [ -S ${socket} ]; do sleep 0.05; done`,
    )
    expect(await selfTest(machine)).toMatch(/^MachineLeaks: .*talk to the Nix daemon/)
  })

  test.each([
    ['at once', 'GET'],
    ['for a token', 'PUT'],
  ])(
    "the metadata service gives the machine's credentials %s, and a fixed-output build has the network",
    async (_, method) => {
      const server = `require('http').createServer((request, response) => { response.statusCode = request.method === '${method}' ? 200 : 404; response.end('role') }).listen(80, '169.254.169.254')`
      const machine = await machineWith()
      const wrap = (command: string[]): string[] => [
        'unshare',
        '--net',
        ...after(
          machine,
          `busybox ip link set lo up && busybox ip addr add 169.254.169.254/32 dev lo
        ${process.execPath} -e "${server}" &
        until busybox nc -z 169.254.169.254 80 2>/dev/null || busybox nc 169.254.169.254 80 </dev/null; do sleep 0.05; done`,
        ).wrap(command),
      ]
      const said = await selfTest({ ...machine, wrap })
      expect(said).toMatch(/^MachineLeaks: /)
      expect(said).toContain('credentials of this machine from 169.254.169.254')
    },
  )
})

describe('a machine of which nothing is proved is refused', () => {
  test.each([
    [
      'Nix cannot build at all',
      'echo "error: this system does not support the kernel namespaces" >&2; exit 1',
    ],
    ['Nix says that it has built, and has not', 'exit 0'],
    ['Nix builds only one of the two', 'sed -i "/outputHash/d" "${@: -1}"; exec "$real" "$@"'],
  ])('%s', async (_, script) => {
    expect(await selfTest(withNixBuild(await machineWith(), script))).toMatch(
      /^MachineLeaks: nothing is built here, because it could not be tried/,
    )
  })
})

describe('a deployment that has decided otherwise', () => {
  test.each(['false', 'relaxed'])('HEARTH_SANDBOX=%s is said in every log', async (sandbox) => {
    const machine = await machineWith({ 'build-users-group': '' })
    expect(await selfTest(machine, sandbox)).toMatch(new RegExp(`^WARNING: HEARTH_SANDBOX is ${sandbox}: `))
  })
})

describe('the builder as it is deployed', () => {
  const job = {
    kind: 'build',
    run: 'run-1',
    batch: 'batch-1',
    wave: 1,
    system: 'x86_64-linux',
    archive: { key: 'runs/run-1/archive.zst', sha256: '0'.repeat(64) },
    derivations: [
      {
        drvPath: '/nix/store/0000000000000000000000000000000a-x.drv',
        outputs: { out: '/nix/store/0000000000000000000000000000000b-x' },
        inputs: [],
        needs: [],
        path: 1,
        isAwaited: false,
      },
    ],
    upstreams: [],
    publicKeys: [],
    maxNarSize: 1e9,
  }

  async function build(
    machine: DemoMachine,
    changes: object = {},
  ): Promise<{ status: number | null; stdout: string; stderr: string }> {
    aws.clearStaging()
    aws.put('state/job.json', JSON.stringify({ ...job, ...changes }))
    aws.put(`state/jobs/${USER_ID}/1.json`, '{"version":1,"token":"token-1","job":"job.json"}')
    aws.put(`state/jobs/${USER_ID}/2.json`, '{"version":1,"end":true}')
    const [program = '', ...args] = machine.wrap([process.execPath, builder, 'work'])
    const child = spawn(program, args, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: folder, ...aws.environment() },
    })
    const ended = once(child, 'close') as Promise<[number | null]>
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { status, stdout, stderr }
  }

  test('exits with 1 on a machine that leaks, before it has asked for the archive, and stages nothing', async () => {
    const { status, stderr } = await build(await machineWith({ 'build-users-group': '' }))
    expect(status).toBe(1)
    expect(stderr).toMatch(/^MachineLeaks: nothing is built here/)
    expect(aws.answers.at(-1)).toMatchObject({ action: 'SendTaskFailure', error: 'MachineLeaks' })
    expect(aws.stagedNames()).toEqual([])
    expect(aws.requests.filter((request) => request.includes('archive.zst'))).toEqual([])
  })

  test('exits with 1 when Nix ignores the sandbox', async () => {
    const { status, stderr } = await build(withNixBuild(await machineWith(), IGNORES_SANDBOX))
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^MachineLeaks: nothing is built here/) as string,
    ])
    expect(aws.stagedNames()).toEqual([])
  })

  test('a machine whose nix.conf has no sandbox is tested in one, and builds in one', async () => {
    const machine = await machineWith({ sandbox: 'false', 'sandbox-fallback': 'true' })
    const { changes, drvPath } = await batchOf(
      machine,
      'if [ -e /usr/bin ]; then echo "the whole machine is here"; exit 1; fi; echo nothing > $out',
    )
    const { status, stdout, stderr } = await build(machine, changes)
    expect(status, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/self-test: a build on this machine cannot escape/)
    const result = aws.staged(`results/${baseNameOf(drvPath)}.json`).toString()
    expect(JSON.parse(result)).toMatchObject({ status: 'built' })
  })

  /** A batch of one derivation, whose builder is a shell that needs nothing else, with its archive where builders find it. */
  async function batchOf(machine: DemoMachine, script: string) {
    const file = join(machine.folder, 'spy.nix')
    const bash = '(builtins.path { path = /usr/bin/bash-static; name = "bash"; })'
    writeFileSync(
      file,
      `derivation { name = "spy"; system = builtins.currentSystem; builder = ${bash}; args = [ "-c" ${JSON.stringify(script)} ]; }`,
    )
    const exported = join(machine.folder, 'archive')
    const command = `nix-store --export $(nix-store --query --requisites $(nix-instantiate ${file})) > ${exported}`
    await mustSucceed(machine, ['bash', '-c', command])
    const bytes = readFileSync(exported)
    const graph = graphOf(await verifyArchive([bytes], { maxSize: 2 ** 30, maxDerivations: 2 ** 20 }))
    const [first] = entries(graph.derivations)
    if (first === undefined) throw new Error('there is no derivation in the archive')
    const [drvPath, { outputs, system }] = first
    const archive = zstdCompressSync(bytes)
    const key = 'runs/run-1/spy.zst'
    aws.put(`state/${key}`, archive)
    const sha256 = createHash('sha256').update(archive).digest('hex')
    const derivations = [{ drvPath, outputs, inputs: [], needs: [], path: 1, isAwaited: false }]
    return { drvPath, changes: { system, archive: { key, sha256 }, derivations } }
  }

  test('goes on to its archive on a machine that does not', async () => {
    const { stdout, stderr } = await build(await machineWith())
    expect(stdout).toMatch(/self-test: a build on this machine cannot escape/)
    expect(stderr).not.toContain('MachineLeaks')
    expect(aws.requests.filter((request) => request.includes('archive.zst'))).not.toEqual([])
  })
})

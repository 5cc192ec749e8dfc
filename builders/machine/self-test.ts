import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { makeTextPath } from '../../nix/content-address.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { MachineLeaks } from './errors.ts'
import { attemptEscape, type EscapeTargets } from './escape-attempt.ts'
import { options } from './nix-command.ts'
import { lastError } from './nix-errors.ts'
import { ownProgram } from './own-program.ts'
import { runProcess } from './processes.ts'
import type { Sandbox } from './settings.ts'

/** A machine that is to build. */
export interface TestedMachine {
  environment: Record<string, string>
  sandbox: Sandbox
  /** the job's work folder */
  folder: string
  say: (line: string) => void
}

// What a fixed-output build may ask Nix for by `impureEnvVars`, if the builder gave it to Nix. Source: AWS SDKs and Tools reference guide,
// "Environment variables list".
const SECRET_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
]

const REMEDY =
  'Nix must build in a sandbox (sandbox = true, sandbox-fallback = false), as users of its own (build-users-group), and without sandbox-paths that show ' +
  'anything of the machine. A deployment that trusts whatever it builds can set HEARTH_SANDBOX to false'

/**
 * Proves, before anything is built, that a build on this machine can neither change what it is built from nor reach the job's credentials: two derivations
 * try, an ordinary one and a fixed-output one, which has the network. Both are this very Node, so that nothing has to be fetched.
 *
 * Where HEARTH_SANDBOX is not `true` nothing is tried: then the deployment has decided to trust whatever it builds, and every log says so.
 * @throws MachineLeaks
 */
export async function proveSandbox({ environment, sandbox, folder, say }: TestedMachine): Promise<void> {
  if (sandbox !== 'true') {
    say(
      `WARNING: HEARTH_SANDBOX is ${sandbox}: a build on this machine can change what others are built from, and read the credentials of this job`,
    )
    return
  }
  if (process.platform !== 'linux')
    throw new MachineLeaks(`the self-test of the sandbox knows Linux, and not ${process.platform}`)
  const started = performance.now()
  const nonce = randomBytes(16).toString('hex')
  const jobFile = join(folder, 'self-test')
  // Readable for everybody: the sandbox alone, and the folder above it, keep a build from it.
  writeFileSync(jobFile, 'a secret of this job', { mode: 0o644 })
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await tryToEscape(
      nonce,
      jobFile,
      (server.address() as AddressInfo).port,
      join(folder, 'self-test.nix'),
      environment,
    )
  } finally {
    server.close()
  }
  say(`self-test: a build on this machine cannot escape (${Math.round(performance.now() - started)} ms)`)
}

async function tryToEscape(
  nonce: string,
  jobFile: string,
  port: number,
  file: string,
  environment: Record<string, string>,
): Promise<void> {
  const input = textPath('hearth-input', nonce)
  const targets = {
    mark: nonce,
    input,
    stranger: textPath('hearth-stranger', nonce),
    jobFile,
    port,
    daemon: '/nix/var/nix/daemon-socket/socket',
  }
  writeFileSync(file, selfTestExpression(nonce, targets))
  const { status, stderr } = await runProcess(
    'nix-build',
    [...SETTINGS, ...options({ 'extra-sandbox-paths': ownProgram().sandboxPaths.join(' ') }), file],
    // a secret in the environment of the process above the build
    { environment: { ...environment, HEARTH_SELF_TEST: nonce } },
  )
  const reports = [...stderr.matchAll(new RegExp(`${nonce} (\\[.*\\])`, 'g'))].map(
    ([, report = '[]']) => JSON.parse(report) as string[],
  )
  const escapes = new Set(reports.flat())
  if (reports.length > 0 && !isStill(input, nonce)) escapes.add('change its input')
  if (escapes.size > 0)
    throw new MachineLeaks(`nothing is built here, because a build can ${[...escapes].join(', ')}. ${REMEDY}`)
  if (status !== 0 || reports.length !== 2)
    throw new MachineLeaks(
      `nothing is built here, because it could not be tried whether a build can escape: ${lastError(stderr)}. ${REMEDY}`,
    )
}

function isStill(path: StorePath, text: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8') === text
}

const SETTINGS = [
  '--no-out-link',
  '--keep-going',
  // the same as for the batch
  ...options({
    sandbox: 'true',
    'sandbox-fallback': 'false',
    substituters: '',
    builders: '',
    'max-jobs': '2',
  }),
]

/** The derivations of the self-test, in Nix. */
function selfTestExpression(nonce: string, targets: Omit<EscapeTargets, 'isFixedOutput'>): string {
  const { builder, args } = ownProgram()
  const derivation = (isFixedOutput: boolean, more: string): string => {
    const program = `(${attemptEscape.toString()})(${JSON.stringify({ ...targets, isFixedOutput })})`
    const words = [...args, '-e', program].map(nixString).join(' ')
    return `(derivation { name = "hearth-self-test-${nonce}"; system = builtins.currentSystem; builder = ${nixString(builder)}; args = [ ${words} ]; inherit input; ${more} })`
  }
  const hash = createHash('sha256').update('nothing').digest('hex')
  const fixed = `outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "${hash}"; impureEnvVars = ${nixString(SECRET_VARIABLES.join(' '))};`
  return `
let
  input = builtins.toFile "hearth-input" ${nixString(nonce)};
  stranger = builtins.toFile "hearth-stranger" ${nixString(nonce)};
in
builtins.seq stranger [
  ${derivation(false, '')}
  ${derivation(true, fixed)}
]
`
}

/** Where `builtins.toFile` puts a text. */
function textPath(name: string, text: string): StorePath {
  return makeTextPath(name, createHash('sha256').update(text).digest('hex'), [])
}

/** A string of the Nix language. Source: Nix manual, "Data types", strings. */
function nixString(text: string): string {
  const escaped = text.replaceAll(/[\\"]|\$\{/g, (special) => `\\${special}`)
  return `"${escaped}"`
}

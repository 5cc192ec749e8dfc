import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { graphOf } from '../../../functions/plan/graph-of.ts'
import { wantedBy } from '../../../functions/plan/warm-set.ts'
import type { EvaluatedShell, Evaluation, EvaluationJob, Graph } from '../../../functions/shared/contract.ts'
import { verifyArchive } from '../../../nix/archive-verification.ts'
import { AwsDouble } from './aws-double.ts'
import { bundleBuilder, type Machine, makeMachine, type Ran } from './machine.ts'
import { commitFile } from './sample-flake.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-test-files-'))
const aws = new AwsDouble()
let server: Server
let builder: string
let machine: Machine

const PACKAGES = `
{ system }:
rec {
  bash = "\${builtins.path { path = ./bootstrap; name = "bootstrap"; }}/bash";
  mk = name: extra: derivation ({ inherit name system; builder = bash; args = [ "-ec" "echo > $out" ]; } // extra);
  tool = mk "tool-1.0" { };
}
`

// What niv makes of nix/sources.json, in short: it looks for overrides in the environment, and fetches each pin with its hash.
const SOURCES = `
let
  pins = builtins.fromJSON (builtins.readFile ./sources.json);
  fetch = name: pin:
    let override = builtins.getEnv "NIV_OVERRIDE_\${name}";
    in if override == "" then builtins.fetchTarball { inherit (pin) url sha256; name = "\${name}-src"; } else override;
in builtins.mapAttrs fetch pins
`

/** Serves one tarball by https, with a certificate of its own. @returns its URL */
async function serveTarball(): Promise<string> {
  const pinned = join(folder, 'pinned')
  mkdirSync(join(pinned, 'library'), { recursive: true })
  writeFileSync(join(pinned, 'library', 'default.nix'), '{ version = "4.2"; }\n')
  execFileSync('tar', ['-C', pinned, '-czf', join(folder, 'library.tar.gz'), 'library'])
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const newKey = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ]
  execFileSync('openssl', [...newKey, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    if (request.url === '/library.tar.gz') response.end(readFileSync(join(folder, 'library.tar.gz')))
    else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/library.tar.gz`
}

/** @returns the commit */
function writeRepository(source: string, files: Record<string, string>): string {
  mkdirSync(join(source, 'bootstrap'), { recursive: true })
  copyFileSync('/bin/bash-static', join(source, 'bootstrap', 'bash'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(source, name, '..'), { recursive: true })
    writeFileSync(join(source, name), text)
  }
  execFileSync('git', ['init', '--quiet'], { cwd: source })
  return commitFile(source, '.')
}

beforeAll(async () => {
  await aws.start()
  builder = await bundleBuilder(folder)
  machine = makeMachine(join(folder, 'machine'))
})

afterAll(async () => {
  server.close()
  await aws.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function evaluate(
  source: string,
  commit: string,
  attributes: string[],
): Promise<{ ran: Ran; result: Evaluation; graph: Graph }> {
  const job: EvaluationJob = {
    kind: 'evaluate',
    run: 'run-1',
    target: { repository: 'example/files', ref: 'refs/heads/main', commit },
    source,
    attributes,
    systems: ['x86_64-linux', 'aarch64-darwin'],
    limits: { secondsPerSystem: 20, megabytes: 400 },
    config: 'unused here',
  }
  aws.objects.clear()
  aws.put('state/job.json', JSON.stringify(job))
  const ran = await machine.run([process.execPath, builder, 'evaluate'], {
    ...aws.environment(),
    HEARTH_JOB: 'job.json',
    NIX_SSL_CERT_FILE: join(folder, 'cert.pem'),
  })
  expect(ran.status, ran.stdout + ran.stderr).toBe(0)
  const result: Evaluation = JSON.parse(aws.staged('evaluation.json').toString())
  if (result.archive === undefined)
    return { ran, result, graph: { version: 1, derivations: {}, sources: {} } }
  const archive = zstdDecompressSync(aws.staged('archive.zst'))
  return {
    ran,
    result,
    graph: graphOf(await verifyArchive([archive], { maxSize: 1e9, maxDerivations: 1e9 })),
  }
}

describe('a repository without a flake', () => {
  let shells: EvaluatedShell[]
  let graph: Graph
  const shell = (attribute: string): EvaluatedShell | undefined =>
    shells.find((one) => one.attribute === attribute)

  beforeAll(async () => {
    const url = await serveTarball()
    const source = join(folder, 'source')
    mkdirSync(source)
    symlinkSync('/etc/hostname', join(source, 'link'))
    const hash = execFileSync('nix-hash', ['--type', 'sha256', '--base32', join(folder, 'pinned', 'library')])
    const commit = writeRepository(source, {
      'packages.nix': PACKAGES,
      'nix/sources.nix': SOURCES,
      'nix/sources.json': JSON.stringify({ library: { url, sha256: hash.toString().trim() } }),
      'shell.nix': `
        { system ? builtins.currentSystem, inNixShell ? false, verbose ? false }:
        let
          library = import (import ./nix/sources.nix).library;
          packages = import ./packages.nix { inherit system; };
        in packages.mk "shell" { inherit (packages) tool; inherit (library) version; inherit inNixShell; }`,
      'default.nix': `
        let packages = import ./packages.nix { system = builtins.currentSystem; };
        in { inherit (packages) tool; lib.add = a: b: a + b; broken = throw "not today"; script = packages.mk "script" { src = ./packages.nix; }; }`,
      'tools/ci.nix':
        '{ system }: { shells.lint = (import ../packages.nix { inherit system; }).mk "lint" { }; }',
      'nosy/file.nix':
        '{ }: derivation { name = builtins.readFile "/etc/hostname"; system = "x"; builder = "x"; }',
      'nosy/link.nix': '{ }: derivation { name = builtins.readFile ../link; system = "x"; builder = "x"; }',
      'nosy/folder.nix':
        '{ }: throw (builtins.readFile "${builtins.fetchTree { type = "path"; path = "/etc"; }}/hostname")',
      'nosy/environment.nix':
        '{ }: throw "it sees <${builtins.getEnv "AWS_SECRET_ACCESS_KEY"}${builtins.getEnv "HOME"}>"',
      'nosy/metadata.nix':
        '{ }: throw (builtins.readFile (builtins.fetchurl "http://127.0.0.1:1/credentials"))',
    })
    const files = [
      'shell.nix',
      'default.nix',
      'tools/ci.nix#shells',
      'nosy/file.nix',
      'nosy/link.nix',
      'nosy/folder.nix',
      'nosy/environment.nix',
      'nosy/metadata.nix',
    ]
    const evaluated = await evaluate(source, commit, files)
    shells = evaluated.result.shells
    graph = evaluated.graph
    expect(evaluated.result.error).toBeUndefined()
  })

  test.each(['x86_64-linux', 'aarch64-darwin'])('every derivation of a file is found, for %s', (system) => {
    const healthy = shells.filter((one) => one.system === system && 'drvPath' in one)
    expect(healthy.map(({ attribute }) => attribute).toSorted()).toEqual([
      `default.nix#script (${system})`,
      `default.nix#tool (${system})`,
      `shell.nix (${system})`,
      `tools/ci.nix#shells.lint (${system})`,
    ])
    for (const one of healthy)
      if ('drvPath' in one) expect(graph.derivations[one.drvPath]?.system).toBe(system)
  })

  test('a shell is called as nix-shell calls it, and its pins are fetched', () => {
    const found = shell('shell.nix (x86_64-linux)')
    if (found === undefined || !('drvPath' in found)) throw new Error(JSON.stringify(found))
    const text = machine.run(['cat', found.drvPath]).then(({ stdout }) => stdout)
    return expect(text).resolves.toMatch(/\("inNixShell","1"\).*\("version","4\.2"\)/)
  })

  test('a shell needs its inputs, a package its outputs', () => {
    const wanted = (attribute: string): string[] => {
      const found = shell(attribute)
      return found === undefined ? [] : wantedBy(graph, found).map(({ path }) => path?.slice(44) ?? '')
    }
    expect(wanted('shell.nix (x86_64-linux)')).toEqual(['tool-1.0'])
    expect(wanted('default.nix#script (x86_64-linux)')).toEqual(['script'])
  })

  test.each([
    ['default.nix#broken (x86_64-linux)', 'not today'],
    ['nosy/file.nix (x86_64-linux)', "'/etc/hostname' is forbidden in restricted mode"],
    ['nosy/link.nix (x86_64-linux)', 'is forbidden in restricted mode'],
    ['nosy/folder.nix (x86_64-linux)', "experimental Nix feature 'flakes' is disabled"],
    ['nosy/environment.nix (x86_64-linux)', 'it sees <>'],
    [
      'nosy/metadata.nix (x86_64-linux)',
      "access to URI 'http://127.0.0.1:1/credentials' is forbidden in restricted mode",
    ],
  ])('%s: %s', (attribute, message) =>
    expect(shell(attribute)).toHaveProperty('error', expect.stringContaining(message)),
  )

  test('what is no derivation in a set of them is not meant', () =>
    expect(shells.map(({ attribute }) => attribute)).not.toContain('default.nix#lib (x86_64-linux)'))
})

test('files and attributes of the flake are warmed side by side', async () => {
  const source = join(folder, 'both')
  const commit = writeRepository(source, {
    'packages.nix': PACKAGES,
    'flake.nix': `{ outputs = { self }: {
      packages.x86_64-linux = { inherit (import ./packages.nix { system = "x86_64-linux"; }) tool; other = throw "not asked for"; };
      hydraJobs.tool.aarch64-darwin = (import ./packages.nix { system = "aarch64-darwin"; }).tool;
    }; }`,
    'shell.nix': '{ system }: (import ./packages.nix { inherit system; }).tool',
  })
  const { result } = await evaluate(source, commit, [
    'packages.x86_64-linux.tool',
    'hydraJobs.tool.aarch64-darwin',
    'shell.nix',
  ])
  expect(result.shells.map(({ attribute, ...rest }) => [attribute, 'drvPath' in rest])).toEqual([
    ['packages.x86_64-linux.tool', true],
    ['shell.nix (x86_64-linux)', true],
    ['hydraJobs.tool.aarch64-darwin', true],
    ['shell.nix (aarch64-darwin)', true],
  ])
})

test('a file that is not there says so, and hides nothing', async () => {
  const source = join(folder, 'missing')
  const commit = writeRepository(source, { 'packages.nix': PACKAGES })
  const { result } = await evaluate(source, commit, ['packages.nix#tool', 'shell.nix'])
  const shown = result.shells.map((shell) => [shell.attribute, 'error' in shell ? shell.error : 'fine'])
  expect(shown).toContainEqual(['packages.nix#tool (x86_64-linux)', 'fine'])
  expect(shown).toContainEqual(['shell.nix (x86_64-linux)', expect.stringContaining('shell.nix')])
})

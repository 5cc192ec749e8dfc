import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storedConfig } from '../../../functions/shared/config.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { parseConfig } from '../../../functions/shared/parse-config.ts'
import { writeSchedule } from '../../../functions/shared/schedule-file.ts'
import type { RunDownloads } from '../../../functions/shared/contract.ts'
import type { StackEvent } from '../../../local/stack/stack-events.ts'
import { type Stack, startStack } from '../../../local/stack/start-stack.ts'
import { batchDerivation, jobOf, outcomeOf } from '../../unit/functions/batches.ts'
import { drv, out } from '../../unit/functions/graphs.ts'
import { type GitHub, createGitHub } from '../../../local/github/github.ts'
import { commit, git } from '../github/forge-of-acme.ts'

/**
 * The packaged Report, under its own role, against a GitHub that checks tokens, permissions and bodies as the real one does: from the announcement of a run to its end.
 */

const TEMPLATE = '.serverless/cloudformation-template-update-stack.json'
const X86 = 'x86_64-linux'
const MAC = 'aarch64-darwin'

interface Acme {
  stack: Stack
  github: GitHub
  commit: string
  events: StackEvent[]
  s3: S3Client
  folder: string
}
let acme: Acme

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-report-'))
  await git(folder, 'init', '-q', 'work')
  const work = join(folder, 'work')
  const head = await commit(work, 'flake.nix', '{ outputs = _: { }; }')
  const github = await createGitHub()
  github.addRepository('acme/shells', work, { private: true })
  // GitHub refuses what comes too fast, as it does at its worst
  github.secondaryLimits = true
  const app = github.createApp({
    owner: 'acme',
    permissions: { checks: 'write', statuses: 'write', contents: 'read', metadata: 'read' },
    events: ['push'],
  })
  app.install('acme', 'all')
  const events: StackEvent[] = []
  const stack = await startStack({
    folder: join(folder, 'stack'),
    template: TEMPLATE,
    onEvent: (event) => events.push(event),
  })
  const client = { endpoint: stack.endpoint, region: 'us-east-1', credentials: stack.operator }
  const secrets = new SecretsManagerClient(client)
  await secrets.send(
    new PutSecretValueCommand({
      SecretId: stack.physicalId('GitHubCredentials'),
      SecretString: JSON.stringify({ appId: app.appId, privateKey: app.privateKey }),
    }),
  )
  secrets.destroy()
  acme = {
    stack,
    github,
    commit: head,
    events,
    folder,
    s3: new S3Client({ ...client, forcePathStyle: true }),
  }
  const config = parseConfig(`
github: { api: '${github.url}', git: '${github.url}' }
repositories: [{ name: acme/shells, refs: [main], systems: [${X86}, ${MAC}] }]
limits: { evaluation: { secondsPerSystem: 60, megabytes: 512 } }
`)
  await write(stateKeys.currentConfig, storedConfig(config))
})

afterAll(async () => {
  acme.s3.destroy()
  await acme.stack.close()
  await acme.github.close()
  rmSync(acme.folder, { recursive: true, force: true })
})

async function write(Key: string, value: unknown): Promise<void> {
  const Bucket = acme.stack.physicalId('StateBucket')
  await acme.s3.send(new PutObjectCommand({ Bucket, Key, Body: JSON.stringify(value) }))
}

async function report(request: object): Promise<unknown> {
  const { payload, functionError } = await acme.stack.invoke('ReportLambdaFunction', request)
  expect([functionError, payload]).toEqual([undefined, payload])
  return JSON.parse(payload)
}

const target = () => ({ repository: 'acme/shells', ref: 'refs/heads/main', commit: acme.commit })

/** What Resolve and Plan leave of a run that has a shell for Linux, and one for a Mac. */
async function planned(run: string): Promise<void> {
  await write(stateKeys.job(run), {
    kind: 'evaluate',
    run,
    target: target(),
    started: new Date().toISOString(),
  })
  const shell = (system: string, path: string) => ({
    attribute: `devShells.${system}.default`,
    system,
    status: 'cold',
    paths: [out(path)],
  })
  const plan = { version: 1, run, wave: 1, verdict: 'build', target: target(), config: 'c' }
  await write(stateKeys.plan(run, 1), {
    ...plan,
    shells: [
      shell(X86, 'app'),
      shell(MAC, 'mac'),
      {
        attribute: `devShells.${X86}.broken`,
        system: X86,
        status: 'failed',
        paths: [],
        reason: "attribute 'x' missing\nat flake.nix:1:3",
      },
    ],
    lanes: [{ system: X86, slot: 1 }],
    derivations: { graph: 9, missing: 2, scheduled: 2 },
  })
  const state = { s3: acme.s3, name: acme.stack.physicalId('StateBucket') }
  await writeSchedule(state, {
    version: 1,
    run,
    wave: 1,
    target: target(),
    machines: { [X86]: { lanes: 1, slots: 8 }, [MAC]: { lanes: 1, slots: 8, waitHours: 24 } },
    job: { archive: { key: 'archive', sha256: '' }, upstreams: [], publicKeys: [], maxNarSize: 1 },
    derivations: ['app', 'mac'].map((name) => ({
      ...batchDerivation(name),
      system: name === 'mac' ? MAC : X86,
      needs: [],
      needsPublished: [],
      seconds: 60,
    })),
  })
}

/** What Publish says: the shell for Linux has come, and the Mac's does not build. */
async function built(run: string): Promise<void> {
  const [batch, lost] = [`1-${X86}-1-1`, `1-${MAC}-1-1`]
  await write(stateKeys.batch(run, batch), jobOf(run, batch, [batchDerivation('app')]))
  await write(
    stateKeys.outcome(run, batch),
    outcomeOf(run, batch, [{ drvPath: drv('app'), outcome: 'published', seconds: 150, bytes: 120_000_000 }]),
  )
  await write(stateKeys.batch(run, lost), jobOf(run, lost, [batchDerivation('mac')]))
  await write(
    stateKeys.outcome(run, lost),
    outcomeOf(run, lost, [
      {
        drvPath: drv('mac'),
        outcome: 'failed',
        error: { name: 'BuildFailed', message: 'builder failed with exit code 2', retryable: false },
        logTail: ['compiling', '``` @acme/everybody ![](https://evil.example/pixel.png)'],
      },
    ]),
  )
}

const downloads = (run: string): RunDownloads => ({
  version: 1,
  run,
  shells: [
    {
      attribute: `devShells.${X86}.default`,
      system: X86,
      sources: [{ source: 'cache', paths: 12, bytes: 120_000_000 }],
      unknown: 0,
      missing: 0,
      builtPaths: 0,
      buildSeconds: 150,
      built: 1,
    },
  ],
})

const kinds = () =>
  acme.events.flatMap((event) => (event.kind === 'bus-event' ? [event.event['detail-type']] : []))
const changes = () =>
  acme.github.calls.filter(({ method, path }) => method !== 'GET' && path.startsWith('/repos/'))

describe('a run is told from its beginning to its end', () => {
  test('each moment once, at GitHub’s pace, with what people want to know', async () => {
    const run = 'push-acme-shells-1'
    await planned(run)
    const began = { run, began: true }
    const wave = { run, wave: 1 }
    const ended = { run, input: { trigger: 'push', ...target() }, ending: { verdict: 'stuck' } }

    await report(began)
    expect(acme.github.statuses).toMatchObject([{ state: 'pending', context: 'hearth', sha: acme.commit }])
    await report(wave)
    expect(acme.github.checkRuns).toMatchObject([
      { name: 'Hearth', status: 'in_progress', external_id: 'refs/heads/main', head_sha: acme.commit },
    ])
    expect(acme.github.checkRuns[0]?.output.summary).toContain('⏳ waiting for a Mac')
    await built(run)
    await report(wave)
    expect(acme.github.checkRuns[0]?.output.summary).toContain('✅ built | 1 built, 3 min of building')
    await write(stateKeys.downloads(run), downloads(run))
    expect(await report(ended)).toEqual({ verdict: 'stuck' })

    const [checkRun, ...others] = acme.github.checkRuns
    expect(others).toEqual([])
    expect(checkRun).toMatchObject({
      status: 'completed',
      conclusion: 'failure',
      details_url: expect.stringContaining(`hearth-prod-warm:${run}`),
      annotations: [{ path: 'flake.nix', start_line: 1, annotation_level: 'failure' }],
    })
    expect(checkRun?.history).toHaveLength(3)
    expect(checkRun?.output.summary).toContain('this cache: 12 paths, 120.0 MB')
    expect(checkRun?.output.summary).toContain('### Cost')
    // the log stands in a fence that it cannot leave
    expect(checkRun?.output.text).toContain('````text\ncompiling\n``` @acme/everybody')
    expect(acme.github.statuses.map(({ state }) => state)).toEqual(['pending', 'failure'])
    expect(changes()).toHaveLength(5)
    expect(kinds()).toEqual([
      'Hearth Run Started',
      'Hearth Shells Changed',
      'Hearth Shells Changed',
      'Hearth Run Ended',
    ])
    expect(acme.stack.notifications.map(({ message }) => message)).toEqual([
      expect.stringContaining('Hearth: acme/shells main at '),
    ])

    for (const again of [began, wave, ended]) await report(again)
    expect(changes()).toHaveLength(5)
    expect(kinds()).toHaveLength(4)
  })

  test('runs of one repository that end at once keep its pace together', async () => {
    const before = changes().length
    const runs = ['run-a', 'run-b', 'run-c']
    await Promise.all(runs.map((run) => planned(run)))
    await Promise.all(
      runs.map((run) =>
        report({ run, input: { trigger: 'push', ...target() }, ending: { verdict: 'stuck' } }),
      ),
    )
    expect(changes().length - before).toBe(6)
  })

  test('an expired token is replaced', async () => {
    acme.github.expireTokens()
    const before = acme.github.statuses.length
    await planned('run-d')
    await report({ run: 'run-d', began: true })
    expect(acme.github.statuses).toHaveLength(before + 1)
  })

  afterAll(() => {
    expect(acme.github.tooFast).toEqual([])
    expect(acme.stack.denied).toEqual([])
  })
})

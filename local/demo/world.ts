import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { storedConfig } from '../../functions/shared/config.ts'
import { stateKeys } from '../../functions/shared/keys.ts'
import { type Bucket, writeJson } from '../../functions/shared/objects.ts'
import { parseConfig } from '../../functions/shared/parse-config.ts'
import { REGION } from '../gateway/service.ts'
import type { GitHub, Installation, Repository } from '../github/github.ts'
import type { StackEvent } from '../stack/stack-events.ts'
import { readStackFile, StackIsRunning } from '../stack/stack-file.ts'
import { type Stack, startStack } from '../stack/start-stack.ts'
import { makeClient } from './client.ts'
import { startCompanyGitHub } from './company-github.ts'
import { type Company, makeCompany } from './company.ts'
import { type LaptopBridge, startLaptopBridge } from './laptop.ts'
import { type Mac, startMac } from './mac.ts'
import { type DemoMachine, makeMachine } from './machine.ts'
import { createSigningKey } from './signing-key.ts'
import { startUpstream, type UpstreamCache } from './upstream.ts'
import type { View } from './view.ts'

/** Where the build wrote what is deployed. */
const TEMPLATE = '.serverless/cloudformation-template-update-stack.json'
const BUILDER_BUNDLE = 'dist/builder/builder.mjs'
const EXAMPLE = 'examples/without-nixpkgs'

export const REPOSITORY = 'acme/shells'
/** Systems whose machines CodeBuild starts. */
export const LINUX = ['x86_64-linux', 'aarch64-linux']
/** The system of the machine that only pretends to be one: a Mac. */
export const MAC = 'aarch64-darwin'
/** Nothing looks at it: what the fleet's machine is, is said to startStack. */
const FLEET = 'arn:aws:codebuild:us-east-1:123456789012:fleet/macs:11111111-1111-1111-1111-111111111111'

/** Everything that the demo started. */
export interface DemoWorld {
  folder: string
  /** what the repository is kept warm for */
  systems: string[]
  stack: Stack
  github: GitHub
  /** of Hearth's App, on all of the company's repositories */
  installation: Installation
  repository: Repository
  upstream: UpstreamCache
  company: Company
  laptop: DemoMachine
  bridge: LaptopBridge
  /** one with `hearth worker`, when the repository is kept warm for it */
  mac: Mac | undefined
  publicKey: string
  webhookSecret: string
  /** the key of Hearth's GitHub App: for those who look whether it is found where it must not be */
  appKey: string
  /** what the laptop clones with */
  developerToken: string
  s3: S3Client
  sfn: SFNClient
  state: Bucket
  cacheBucket: string
  close: () => Promise<void>
}

/** What the upstream had before Hearth came: the beginnings of every build, for every system. */
const UPSTREAM_PACKAGES = ['tools', 'stdenv', 'libtext']

/**
 * Starts a company on one machine: GitHub, an upstream cache, AWS, a builder for each system, and a laptop with an empty /nix.
 * @param folder emptied first
 * @param evaluation what one evaluation may cost
 * @param systems what the repository is kept warm for; with MAC among them there is a Mac
 * @param machines for each Linux
 * @param macs what the Mac is: one with `hearth worker`, or a machine of a CodeBuild fleet
 */
export async function startWorld(
  folder: string,
  view: View,
  onEvent: (event: StackEvent) => void,
  evaluation = { secondsPerSystem: 120, megabytes: 2048 },
  systems = LINUX,
  machines = 1,
  macs: 'worker' | 'fleet' = 'worker',
): Promise<DemoWorld> {
  refuseToWipe(folder)
  await rm(folder, { recursive: true, force: true })
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.toReversed()) await closer()
  }
  try {
    const foreign = { 'extra-platforms': systems.join(' ') }
    const machine = (name: string, settings: Record<string, string>): Promise<DemoMachine> =>
      makeMachine(join(folder, 'machines', name), name, settings)

    const machinesFor = (system: string): Promise<DemoMachine[]> =>
      Promise.all(
        Array.from({ length: machines }, (_, index) =>
          machine(index === 0 ? system : `${system}-${index + 1}`, foreign),
        ),
      )

    const company = await makeCompany(join(folder, 'company'), EXAMPLE, REPOSITORY)
    view.say(
      `the company: a private git repository of ${EXAMPLE}, served as ${REPOSITORY} by a GitHub on this machine that has Hearth’s App installed`,
    )
    const companyGitHub = await startCompanyGitHub(REPOSITORY, company.bare)
    const { github, repository, webhookSecret, developerToken } = companyGitHub
    closers.push(() => github.close())

    const upstream = await startUpstream(
      await machine('upstream', { ...foreign, 'max-jobs': `${systems.length}` }),
      `path:${company.workingCopy}`,
      systems.flatMap((system) => UPSTREAM_PACKAGES.map((name) => `packages.${system}.${name}`)),
    )
    closers.push(upstream.close)
    view.say(
      `an upstream cache at ${upstream.url}: has ${UPSTREAM_PACKAGES.join(', ')} for ${systems.join(', ')}`,
    )

    const hasMac = systems.includes(MAC)
    const hasFleet = hasMac && macs === 'fleet'
    const stack = await startStack({
      folder: join(folder, 'aws'),
      template: TEMPLATE,
      // nobody has the time to watch two minutes of silence
      parameters: {
        MachineHeartbeatSeconds: '1',
        MachineSilenceSeconds: '8',
        ...(hasFleet ? { AppleSiliconFleetArn: FLEET } : {}),
      },
      machines: {
        Evaluator: await machine('evaluator', {}),
        LinuxX64Builder: await machinesFor('x86_64-linux'),
        LinuxArm64Builder: await machinesFor('aarch64-linux'),
        ...(hasFleet ? { AppleSiliconBuilder: await machine(MAC, { system: MAC }) } : {}),
      },
      onEvent,
    })
    closers.push(() => stack.close())
    view.say(`AWS at ${stack.endpoint}: the packaged template, its policies enforced on every call`)
    view.say(
      'builders: a machine for each Linux, each with a /nix of its own; the foreign one builds by extra-platforms',
    )

    const clients = { endpoint: stack.endpoint, region: REGION, credentials: stack.operator }
    const s3 = new S3Client({ ...clients, forcePathStyle: true })
    const secrets = new SecretsManagerClient(clients)
    const state = { s3, name: stack.physicalId('StateBucket') }
    await companyGitHub.giveSecrets(secrets, stack)
    const cacheBucket = stack.physicalId('CacheBucket')
    const sfn = new SFNClient(clients)
    const publicKey = await createSigningKey(sfn, state, stack.physicalId('KeysStateMachine'), 'acme-1')
    await pushConfig(state, { github, upstream, evaluation, systems, hasFleet })
    let mac: Mac | undefined
    if (hasMac && !hasFleet) {
      mac = await startMac(await machine(MAC, { system: MAC }), MAC, {
        stack,
        state,
        say: (line) => view.from(MAC, line),
      })
      closers.push(mac.close)
      view.say(
        `a Mac, or what passes for one: a machine whose Nix is told that it is ${MAC} runs \`hearth worker\``,
      )
    }
    const bridge = await startLaptopBridge(BUILDER_BUNDLE, {
      ...stack.environmentFor('ReaderRole', 'laptop'),
      HEARTH_CACHE_BUCKET: cacheBucket,
    })
    closers.push(bridge.close)
    const caches = { bridge: bridge.url, ourKeys: [publicKey], upstream }
    const laptop = await makeClient(join(folder, 'machines', 'laptop'), 'laptop', caches, foreign)
    view.say('a laptop: an empty /nix, signatures required, our public key and the upstream’s')
    return {
      folder,
      systems,
      stack,
      github,
      installation: companyGitHub.installation,
      repository,
      upstream,
      company,
      laptop,
      bridge,
      mac,
      publicKey,
      webhookSecret,
      appKey: companyGitHub.appKey,
      developerToken,
      s3,
      sfn,
      state,
      cacheBucket,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface Configured {
  github: GitHub
  upstream: UpstreamCache
  evaluation: { secondsPerSystem: number; megabytes: number }
  systems: string[]
  hasFleet: boolean
}

/** hearth.yml of the demo, by the same check as `hearth config push`. */
async function pushConfig(
  state: Bucket,
  { github, upstream, evaluation, systems, hasFleet }: Configured,
): Promise<void> {
  const config = {
    github: { api: github.url, git: github.url },
    repositories: [{ name: REPOSITORY, refs: ['main'], systems }],
    upstreams: [{ url: upstream.url, publicKeys: [upstream.publicKey] }],
    builders: Object.fromEntries(
      systems.map((system) => [
        system,
        { machines: 1, slots: 2, ...(system === MAC && hasFleet ? { fleet: true } : {}) },
      ]),
    ),
    limits: { evaluation },
  }
  // JSON is YAML
  const stored = storedConfig(parseConfig(JSON.stringify(config), 'the demo’s hearth.yml'))
  await writeJson(state, stateKeys.config(stored.sha256), stored)
  await writeJson(state, stateKeys.currentConfig, stored)
}

/** A system that was kept running is somebody's: its folder is not emptied under it. */
function refuseToWipe(folder: string): void {
  const running = readStackFile(join(folder, 'aws'))
  if (running !== undefined)
    throw new StackIsRunning(
      `${folder} has a system that is running (process ${running.pid}): end that one, or use another --folder`,
    )
}

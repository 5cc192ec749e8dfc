import { CodeBuildClient } from '@aws-sdk/client-codebuild'
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { CreateActivityCommand, CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn'
import { DescribeExecutionCommand, GetActivityTaskCommand, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePrerequisites } from '../../../../local/demo/prerequisites.ts'
import { type DemoMachine, makeMachine } from '../../../../local/demo/machine.ts'
import { type Stack, startStack } from '../../../../local/stack/start-stack.ts'
import type { StackEvent } from '../../../../local/stack/stack-events.ts'
import type { BuildJob, DerivationResult, MachineId } from '../../../../functions/shared/contract.ts'
import { readParcel } from '../../../../functions/shared/parcel.ts'
import { cacheKeys, stagedKeys, stagingPrefixOfBatch, stateKeys } from '../../../../functions/shared/keys.ts'
import { fingerprint, formatNarInfo, parseNarInfo } from '../../../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf, sign } from '../../../../nix/signature.ts'
import { baseNameOf } from '../../../../nix/store-path.ts'
import { bundleBuilder } from '../machine.ts'
import { ARCHIVE, evaluateSample, type SampleGraph } from '../sample-graph.ts'
import { Network } from './network.ts'

/** What `npm run package` wrote: the very template that is deployed. */
const TEMPLATE = '.serverless/cloudformation-template-update-stack.json'

/** How a task ended that a batch was given to a builder for. */
export interface TaskEnd {
  status: string | undefined
  error: string | undefined
  cause: string | undefined
  output: unknown
}

/** A batch that a builder was given. */
export interface Handed {
  executionArn: string
  /** what was staged of it, once a builder is known by its id */
  job: BuildJob
  ended: () => Promise<TaskEnd>
}

/** What a batch is besides the names of its derivations. */
export interface BatchShape {
  /** derivations that the machine has in hand, of other batches */
  earlier?: string[]
  /** the longest path first; without it all are as long */
  paths?: Record<string, number>
  /** what something outside of the batch waits for */
  awaited?: string[]
  changes?: Partial<BuildJob>
}

const key = generateSecretKey('test-cache-1')

/** AWS on this machine, a sample to build, and what the pipeline does around a builder. */
export class ContractWorld {
  readonly folder: string
  readonly stack: Stack
  readonly sample: SampleGraph
  readonly builder: string
  readonly network: Network
  readonly s3: S3Client
  readonly sfn: SFNClient
  readonly codebuild: CodeBuildClient
  /** where the builds of CodeBuild run */
  machine: DemoMachine | undefined
  readonly #events: StackEvent[]
  #machines = 0
  #batches = 0
  #stateMachines = 0

  private constructor(
    parts: Pick<ContractWorld, 'folder' | 'stack' | 'sample' | 'builder' | 'network'>,
    events: StackEvent[],
  ) {
    this.folder = parts.folder
    this.stack = parts.stack
    this.sample = parts.sample
    this.builder = parts.builder
    this.network = parts.network
    this.#events = events
    const { endpoint, operator } = parts.stack
    const client = { endpoint, region: 'us-east-1', credentials: operator }
    this.s3 = new S3Client({ ...client, forcePathStyle: true })
    this.sfn = new SFNClient(client)
    this.codebuild = new CodeBuildClient(client)
  }

  static async start(): Promise<ContractWorld> {
    await ensurePrerequisites(() => {})
    const folder = mkdtempSync(join(tmpdir(), 'hearth-contract-'))
    const builder = await bundleBuilder(folder)
    const sample = await evaluateSample(folder, builder)
    const events: StackEvent[] = []
    const holder: { world?: ContractWorld } = {}
    const machine = {
      name: 'the machine of the test',
      wrap: (command: string[]) => [
        'env',
        `AWS_ENDPOINT_URL=${holder.world?.network.url ?? ''}`,
        ...(holder.world?.machine?.wrap(command) ?? command),
      ],
    }
    const stack = await startStack({
      folder: join(folder, 'aws'),
      template: TEMPLATE,
      machines: { LinuxX64Builder: machine },
      onEvent: (event) => events.push(event),
    })
    const network = new Network(stack.endpoint)
    await network.restore()
    const world = new ContractWorld({ folder, stack, sample, builder, network }, events)
    holder.world = world
    await world.put('StateBucket', ARCHIVE, sample.archive)
    await world.put('CacheBucket', cacheKeys.info, 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n')
    return world
  }

  async close(): Promise<void> {
    await this.stack.close()
    await this.network.cut()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** A machine with an empty /nix. @param before commands of a shell, before whatever runs there */
  async newMachine(before = ''): Promise<DemoMachine> {
    const name = `machine-${++this.#machines}`
    const machine = await makeMachine(join(this.folder, name), name, {})
    const wrap = (command: string[]): string[] =>
      machine.wrap(before === '' ? command : ['bash', '-c', `${before}; exec "$@"`, 'bash', ...command])
    return { ...machine, wrap }
  }

  /** What builds of CodeBuild have printed, newest last. */
  buildLines(buildId: string): string[] {
    return this.#events.flatMap((event) =>
      event.kind === 'build-log' && event.buildId === buildId ? event.lines : [],
    )
  }

  /** The calls that a policy has refused. */
  denied(): string[] {
    return this.#events.flatMap((event) =>
      event.kind === 'denied' ? `${event.denied.role} ${event.denied.action} ${event.denied.resource}` : [],
    )
  }

  async put(bucket: string, objectKey: string, body: string | Uint8Array): Promise<void> {
    const Bucket = this.stack.physicalId(bucket)
    await this.s3.send(new PutObjectCommand({ Bucket, Key: objectKey, Body: body }))
  }

  async get(bucket: string, objectKey: string): Promise<Buffer> {
    const Bucket = this.stack.physicalId(bucket)
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket, Key: objectKey }))
    return Buffer.from((await Body?.transformToByteArray()) ?? [])
  }

  async keys(bucket: string, prefix: string): Promise<string[]> {
    const Bucket = this.stack.physicalId(bucket)
    const { Contents = [] } = await this.s3.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }))
    return Contents.flatMap(({ Key }) => Key ?? [])
  }

  /** Writes the job of a new batch, as Take does. */
  async writeJob(
    names: string[],
    { earlier = [], paths = {}, awaited = [], changes = {} }: BatchShape = {},
  ): Promise<{ job: BuildJob; jobKey: string }> {
    const batch = `batch-${++this.#batches}`
    const publicKeys = [formatPublicKey(publicKeyOf(key))]
    const job = this.sample.job(names, { batch, publicKeys, ...changes }, earlier)
    for (const [index, derivation] of job.derivations.entries()) {
      const name = names[index] ?? ''
      derivation.path = paths[name] ?? 1
      derivation.isAwaited = awaited.includes(name)
    }
    const jobKey = `runs/run-1/batches/${batch}.json`
    await this.put('StateBucket', jobKey, JSON.stringify(job))
    return { job, jobKey }
  }

  /** Starts an execution of one task, which waits for whoever polls the activity. @param heartbeat seconds */
  async startTask(activityArn: string, input: unknown, heartbeat: number, job: BuildJob): Promise<Handed> {
    const task = {
      Type: 'Task',
      Resource: activityArn,
      TimeoutSeconds: 600,
      HeartbeatSeconds: heartbeat,
      End: true,
    }
    const definition = { QueryLanguage: 'JSONata', StartAt: 'Build', States: { Build: task } }
    const { stateMachineArn } = await this.sfn.send(
      new CreateStateMachineCommand({
        name: `contract-${++this.#stateMachines}`,
        definition: JSON.stringify(definition),
        roleArn: this.stack.attribute('WarmRole', 'Arn'),
      }),
    )
    const start = new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) })
    const { executionArn = '' } = await this.sfn.send(start)
    return { executionArn, job, ended: async () => this.#endOf(executionArn) }
  }

  /** Takes a task token from an execution of its own, as `functions/build` gets one from its state. */
  async takeToken(heartbeat: number, job: BuildJob): Promise<Handed & { token: string }> {
    const { activityArn = '' } = await this.sfn.send(new CreateActivityCommand({ name: 'for-tokens' }))
    const handed = await this.startTask(activityArn, {}, heartbeat, job)
    const { taskToken: token = '' } = await this.sfn.send(new GetActivityTaskCommand({ activityArn }))
    return { ...handed, token }
  }

  async #endOf(executionArn: string): Promise<TaskEnd> {
    for (;;) {
      const told = await this.sfn.send(new DescribeExecutionCommand({ executionArn }))
      if (told.status !== 'RUNNING') {
        const output: unknown = told.output === undefined ? undefined : JSON.parse(told.output)
        return { status: told.status, error: told.error, cause: told.cause, output }
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** Everything that was staged of a batch, by its name below the batch's prefix, by itself or in a parcel. */
  async #staged(machine: MachineId, { job }: Handed): Promise<Map<string, Buffer>> {
    const prefix = stagingPrefixOfBatch(machine, job.run, job.batch)
    const staged = new Map<string, Buffer>()
    for (const name of await this.keys('StagingBucket', prefix)) {
      const bytes = await this.get('StagingBucket', name)
      if (!name.startsWith(`${prefix}parcels/`)) staged.set(name.slice(prefix.length), bytes)
      else
        for (const [packed, { start, bytes: size }] of readParcel(bytes))
          staged.set(packed, bytes.subarray(start, start + size))
    }
    return staged
  }

  async resultOf(machine: MachineId, handed: Handed, name: string): Promise<DerivationResult> {
    const key = stagedKeys.result('', baseNameOf(this.sample.drvPathOf(name)))
    const result = (await this.#staged(machine, handed)).get(key)
    if (result === undefined) throw new Error(`there is no result for ${name}`)
    return JSON.parse(result.toString()) as DerivationResult
  }

  /** The names of the derivations that a batch has results for. */
  async results(machine: MachineId, handed: Handed): Promise<string[]> {
    const names = [...(await this.#staged(machine, handed)).keys()]
    return names.flatMap((name) => /^results\/\w{32}-(.+)\.drv\.json$/.exec(name)?.[1] ?? []).sort()
  }

  /** Signs and publishes everything that was staged of a batch: what Publish does, without its checks. */
  async publish(machine: MachineId, handed: Handed): Promise<void> {
    for (const [name, bytes] of await this.#staged(machine, handed)) {
      if (name.startsWith('nar/')) await this.put('CacheBucket', name, bytes)
      if (!name.endsWith('.narinfo')) continue
      const info = parseNarInfo(bytes.toString())
      const signatures = [sign(fingerprint(info), key)]
      await this.put('CacheBucket', name, formatNarInfo({ ...info, signatures }))
    }
  }

  /** The key of a machine's next job. */
  async giveTurn(machine: MachineId, turn: number, job: object): Promise<void> {
    await this.put('StateBucket', stateKeys.machineJob(machine, turn), JSON.stringify({ version: 1, ...job }))
  }
}

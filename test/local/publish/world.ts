import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import type { Publication } from '../../../functions/publish/publication.ts'
import { publishBatches } from '../../../functions/publish/publish-batch.ts'
import { putDirectly } from '../../../functions/shared/direct-puts.ts'
import { openCaches } from '../../../functions/shared/caches.ts'
import type {
  BatchDerivation,
  DerivationOutcome,
  Graph,
  Upstream,
} from '../../../functions/shared/contract.ts'
import { derivationOf } from '../../../functions/shared/graph.ts'
import { cacheKeys, stagedKeys, stagingPrefixOfBuild } from '../../../functions/shared/keys.ts'
import type { Bucket } from '../../../functions/shared/objects.ts'
import { packParcel } from '../../../functions/shared/parcel.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../../nix/narinfo.ts'
import { generateSecretKey, sign } from '../../../nix/signature.ts'
import { baseNameOf, hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { drv, graphOf, out, type Sketch } from '../../unit/functions/graphs.ts'
import { type Output, stagedOutput } from './staged-output.ts'

export const BUILD = 'hearth-builder:1f6ab8c2-5b8e-4d2a-9b1c-0e7f6a5d4c3b'
export const OTHER_BUILD = 'hearth-builder:9d1e4f70-2c3b-4a5d-8e6f-7a8b9c0d1e2f'
const BUILDER_ROLE = 'AROABUILDER'

/** What Publish calls S3 with. */
export interface Request {
  command: string
  input: Partial<Record<'Bucket' | 'Key' | 'CopySource', string>>
}

// 128 KiB: what builders put into parcels.
const SMALL_OBJECT = 128 * 1024

let worlds = 0

/** A graph, three buckets of a real S3, a signing key, and what builders staged. */
export class World {
  /** two worlds with the same key write the same narinfos */
  key = generateSecretKey('cache.example.org-1')
  readonly graph: Graph
  readonly upstreams: Upstream[] = []
  maxNarSize = 1024 ** 3
  /** whether small staged objects are in parcels by the time Publish looks, as builders put them there, and not by themselves */
  parcelled = false
  /** how many milliseconds later it is for Publish than for everybody else */
  later = 0
  /** everything that Publish asked of S3, in order */
  readonly requests: Request[] = []
  /** sees every request before it is sent, and may do something first, or throw */
  before: (request: Request) => Promise<void> = async () => undefined
  /** sees every request when its effect is there, and may throw as if the answer had been lost */
  after: (request: Request) => Promise<void> = async () => undefined
  readonly cache: Bucket
  readonly staging: Bucket
  readonly state: Bucket
  readonly #names: Map<StorePath, string>

  /**
   * @param s3 for everybody but Publish
   * @param createBucket makes a bucket of that S3
   * @param publishS3 a client for Publish alone, whose requests are watched
   */
  constructor(
    sketches: Record<string, Sketch>,
    s3: S3Client,
    createBucket: (name: string) => void,
    publishS3: S3Client,
  ) {
    this.graph = graphOf(sketches)
    this.#names = new Map(Object.keys(sketches).map((name) => [drv(name), name]))
    const number = ++worlds
    const bucket = (name: string): Bucket => {
      createBucket(`${name}-${number}`)
      return { s3, name: `${name}-${number}` }
    }
    this.cache = bucket('cache')
    this.staging = bucket('staging')
    this.state = bucket('state')
    publishS3.middlewareStack.add(
      (next, context) => async (args) => {
        const command = (context.commandName ?? '').replace(/Command$/, '')
        const request = { command, input: args.input as Request['input'] }
        await this.before(request)
        this.requests.push(request)
        const answer = await next(args)
        await this.after(request)
        return answer
      },
      { step: 'initialize', priority: 'high' },
    )
    this.#publishS3 = putDirectly(publishS3)
  }
  readonly #publishS3: S3Client

  /** Puts a path into the cache, as an earlier run published it. */
  async published(path: StorePath, output: Output): Promise<NarInfo> {
    const { info, file, fileHash } = await stagedOutput(path, output)
    const signed = { ...info, signatures: [sign(fingerprint(info), this.key)] }
    await this.put(this.cache, cacheKeys.nar(fileHash), file)
    await this.put(this.cache, cacheKeys.narinfo(hashPartOf(path)), formatNarInfo(signed))
    return signed
  }

  /**
   * Stages what a builder leaves of one derivation that it built.
   * @param outputs by name
   * @param inputs NarHash of every path that it was built on; by default of what is published of its inputs
   */
  async built(
    name: string,
    outputs: Record<string, Output>,
    { inputs, build = BUILD }: { inputs?: Record<string, string>; build?: string } = {},
  ): Promise<void> {
    for (const [output, content] of Object.entries(outputs)) {
      const path = derivationOf(this.graph, drv(name), name).outputs[output]
      if (path === undefined) throw new Error(`${name} has no output ${output}`)
      await this.stage(path, content, build)
    }
    const used = inputs ?? (await this.#publishedInputs(name))
    await this.said(name, { status: 'built', seconds: 1.5, inputs: used }, build)
  }

  async stage(path: StorePath, content: Output, build = BUILD): Promise<void> {
    const prefix = prefixOf(build)
    const { narinfo, fileHash, file } = await stagedOutput(path, content)
    if (content.withoutNar === undefined) await this.put(this.staging, stagedKeys.nar(prefix, fileHash), file)
    if (content.withoutNarInfo === undefined)
      await this.put(this.staging, stagedKeys.narinfo(prefix, hashPartOf(path)), narinfo)
  }

  /** Makes a path a source that the evaluation's archive has proved, with this content, and stages it as a builder does. */
  async source(path: StorePath, content: Output, build = BUILD): Promise<NarInfo> {
    const { info } = await stagedOutput(path, { text: content.text, references: content.references ?? [] })
    const { narHash, narSize, references } = info
    this.graph.sources[path] = {
      narHash,
      narSize,
      references: references.toSorted(),
      contentAddress: `fixed:r:${narHash}`,
    }
    await this.stage(path, content, build)
    return info
  }

  /** Stages what the builder says of a derivation. */
  async said(name: string, result: object, build = BUILD): Promise<void> {
    const key = stagedKeys.result(prefixOf(build), baseNameOf(drv(name)))
    await this.put(this.staging, key, JSON.stringify({ version: 1, drvPath: drv(name), ...result }))
  }

  async put(
    { s3, name }: Bucket,
    key: string,
    body: string | Uint8Array,
    more: Partial<PutObjectCommandInput> = {},
  ): Promise<void> {
    await s3.send(new PutObjectCommand({ Bucket: name, Key: key, Body: body, ...more }))
  }

  async remove({ s3, name }: Bucket, key: string): Promise<void> {
    await s3.send(new DeleteObjectCommand({ Bucket: name, Key: key }))
  }

  /** The whole object, or undefined. */
  async get({ s3, name }: Bucket, key: string): Promise<Buffer | undefined> {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key: key }))
      return Buffer.from((await Body?.transformToByteArray()) ?? [])
    } catch (error) {
      if (error instanceof Error && error.name === 'NoSuchKey') return undefined
      throw error
    }
  }

  /** Puts the small objects that a build has staged so far into parcels, two at least, and removes them where they were. */
  async pack(build = BUILD): Promise<void> {
    const Prefix = prefixOf(build)
    const { name: Bucket, s3 } = this.staging
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))
    const keys = Contents.flatMap(({ Key = '', Size = 0 }) => (Size <= SMALL_OBJECT ? [Key] : []))
    const packed = keys.filter((key) => key.startsWith(`${Prefix}parcels/`)).length
    const single = keys.filter((key) => !key.startsWith(`${Prefix}parcels/`))
    const objects = await Promise.all(
      single.map(async (key) => ({
        name: key.slice(Prefix.length),
        bytes: (await this.get(this.staging, key)) ?? Buffer.alloc(0),
      })),
    )
    const half = Math.ceil(objects.length / 2)
    const parcels = [objects.slice(0, half), objects.slice(half)].filter(({ length }) => length > 0)
    for (const [index, parcel] of parcels.entries())
      await this.put(this.staging, stagedKeys.parcel(Prefix, packed + index), packParcel(parcel))
    for (const key of single) await this.remove(this.staging, key)
  }

  /** What Publish works with, of what a build has staged so far. */
  async publication(build = BUILD): Promise<Omit<Publication, 'parcels'>> {
    if (this.parcelled) await this.pack(build)
    const bucket = ({ name }: Bucket): Bucket => ({ s3: this.#publishS3, name })
    return {
      run: build === BUILD ? 'push-acme-shells-1' : 'push-acme-shells-2',
      build,
      prefix: prefixOf(build),
      graph: this.graph,
      staging: bucket(this.staging),
      cache: bucket(this.cache),
      state: bucket(this.state),
      caches: openCaches(bucket(this.cache), this.upstreams),
      keys: [this.key],
      maxNarSize: this.maxNarSize,
      largeNars: pLimit(4),
      verifiedSources: new Map(),
      now: () => Date.now() + this.later,
    }
  }

  /** Runs Publish over a batch of these derivations, given inputs first. */
  async publish(names: string[], build = BUILD): Promise<DerivationOutcome[]> {
    const publication = await this.publication(build)
    const derivations = names.map((name) => this.#batchDerivation(name, names))
    const batch = { build: publication, derivations, before: [] }
    const { outcomes, failure } = await publishBatches([batch], { lost: 'its builder died' })
    if (failure !== undefined) throw failure
    return outcomes.flat()
  }

  /** What became of each derivation: its outcome, and the error's name behind a colon. */
  async outcomes(names: string[], build = BUILD): Promise<Record<string, string>> {
    const told = await this.publish(names, build)
    const words = told.map(({ drvPath, outcome, error }) => [
      this.#names.get(drvPath) ?? drvPath,
      error === undefined ? outcome : `${outcome}: ${error.name}`,
    ])
    return Object.fromEntries(words) as Record<string, string>
  }

  #batchDerivation(name: string, names: string[]): BatchDerivation {
    const { outputs, inputDrvs } = derivationOf(this.graph, drv(name), name)
    const needs = (Object.keys(inputDrvs) as StorePath[]).filter((need) =>
      names.includes(this.#names.get(need) ?? ''),
    )
    return { drvPath: drv(name), outputs, inputs: [], needs, path: 1, isAwaited: false }
  }

  async #publishedInputs(name: string): Promise<Record<string, string>> {
    const used: Record<string, string> = {}
    for (const [input, outputs] of Object.entries(derivationOf(this.graph, drv(name), name).inputDrvs))
      for (const output of outputs) {
        const path = derivationOf(this.graph, input as StorePath, name).outputs[output]
        const text = path && (await this.get(this.cache, cacheKeys.narinfo(hashPartOf(path))))
        const narHash = /^NarHash: (.*)$/m.exec(text?.toString('utf8') ?? '')?.[1]
        if (path !== undefined && narHash !== undefined) used[path] = narHash
      }
    return used
  }
}

/** The staging prefix of a build. */
export function prefixOf(build: string): string {
  return stagingPrefixOfBuild(BUILDER_ROLE, build)
}

export { drv, out }

import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import type { BuildJob, EvaluationJob, MachineJob } from '../../functions/shared/contract.ts'
import { describeError } from '../../functions/shared/errors.ts'
import { isStorePath, type StorePath } from '../../nix/store-path.ts'
import { WrongJob } from './errors.ts'

const storePath = z.custom<StorePath>(
  (value) => typeof value === 'string' && isStorePath(value),
  'not a store path',
)
const commit = z.string().check(z.regex(/^[0-9a-f]{40}$/, 'not a commit of 40 hexadecimal digits'))
const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in base16'))

// They become part of the keys that the batch's results have.
const name = z.string().check(z.regex(/^[\w.-]{1,200}$/, 'not a name of letters, digits, dots and dashes'))
const upstreams = z.array(z.object({ url: z.string(), publicKeys: z.array(z.string()) }))

const evaluationJob = z.object({
  kind: z.literal('evaluate'),
  run: z.string(),
  target: z.object({ repository: z.string(), ref: z.string(), commit }),
  source: z.string(),
  attributes: z.array(z.string()),
  systems: z.array(z.string()),
  limits: z.object({ secondsPerSystem: z.number(), megabytes: z.number() }),
  publicKeys: z._default(z.array(z.string()), []),
  upstreams: z._default(upstreams, []),
  flakeInputs: z._default(z.boolean(), false),
})

const buildJob = z.object({
  kind: z.literal('build'),
  run: name,
  batch: name,
  wave: z.number(),
  system: z.string(),
  archive: z.object({ key: z.string(), sha256 }),
  derivations: z.array(
    z.object({
      drvPath: storePath,
      outputs: z.record(z.string(), storePath),
      inputs: z.array(storePath),
      needs: z.array(storePath),
      path: z.number(),
      isAwaited: z.boolean(),
    }),
  ),
  upstreams,
  publicKeys: z.array(z.string()),
})

const machineJob = z.union([
  z.object({ version: z.literal(1), token: z.string(), job: z.string() }),
  z.object({ version: z.literal(1), token: z.string(), goOn: z.literal(true) }),
  z.object({ version: z.literal(1), token: z.string(), hello: z.literal(true) }),
  z.object({ version: z.literal(1), end: z.literal(true) }),
])

/** What an evaluator reads of its job. */
export type EvaluationTask = Required<
  Omit<EvaluationJob, 'config' | 'retryFailed' | 'started' | 'identity' | 'warmedBy' | 'isPartial'>
>

/** What a builder reads of its job. */
export type BuildTask = Omit<BuildJob, 'maxNarSize'>

/** A job file in the state bucket. */
export interface JobFile {
  s3: S3Client
  bucket: string
  key: string
}

/** @throws WrongJob when the file holds something else */
export async function readEvaluationJob(file: JobFile): Promise<EvaluationTask> {
  return read(file, 'evaluate', evaluationJob)
}

/** @throws WrongJob when the file holds something else */
export async function readBuildJob(file: JobFile): Promise<BuildTask> {
  return read(file, 'build', buildJob)
}

/** @throws WrongJob when the file holds something else */
export async function readMachineJob(file: JobFile): Promise<MachineJob> {
  const parsed = machineJob.safeParse(await download(file))
  if (parsed.success) return parsed.data
  // The error of a union quotes what it was given: the token is nobody's business.
  throw new WrongJob(`${file.bucket}/${file.key} is no job for a machine of this version`)
}

async function read<T extends z.ZodMiniType>(file: JobFile, kind: string, schema: T): Promise<z.infer<T>> {
  const where = `${file.bucket}/${file.key}`
  const job = await download(file)
  if (typeof job === 'object' && job !== null && 'kind' in job && job.kind !== kind) {
    throw new WrongJob(
      `${where} is a job of kind '${String(job.kind)}', but this builder was started to ${kind}`,
    )
  }
  const parsed = schema.safeParse(job)
  if (parsed.success) return parsed.data
  throw new WrongJob(`${where} is no job to ${kind}: ${z.prettifyError(parsed.error)}`)
}

async function download({ s3, bucket, key }: JobFile): Promise<unknown> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  return parseJson(`${bucket}/${key}`, (await Body?.transformToString()) ?? '')
}

function parseJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new WrongJob(`${where} is no JSON: ${describeError(error).message}`)
  }
}

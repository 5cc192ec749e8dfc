import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { randomUUID } from 'node:crypto'
import { evaluate } from '../../builders/evaluate.ts'
import { RepositoryAccess } from '../../builders/evaluation/repository-access.ts'
import { cleanEnvironment } from '../../builders/machine/nix-command.ts'
import type { EvaluationTask } from '../../builders/machine/job.ts'
import { Redaction } from '../../builders/machine/redaction.ts'
import { makeWorkFolder } from '../../builders/machine/work-folder.ts'
import { benchS3, STAGING_PREFIX } from '../bench-s3.ts'

/**
 * Does what an evaluator does with a job: fetches the commit, lists and evaluates its packages, writes and stages the archive of all derivations. Prints the
 * derivation of each. Every run stages into a bucket of its own. Arguments: the endpoint of the S3, the repository, the commit, the system.
 */
const [endpoint = '', source = '', commit = '', system = ''] = process.argv.slice(2)
const s3 = benchS3(endpoint)
const bucket = `staging-${randomUUID()}`
await s3.send(new CreateBucketCommand({ Bucket: bucket }))
const folder = makeWorkFolder()
const lines: string[] = []
const say = (line: string): number => lines.push(line)
const redaction = new Redaction()
const job: EvaluationTask = {
  kind: 'evaluate',
  run: 'bench',
  target: { repository: 'bench/layered', ref: 'refs/heads/main', commit },
  source,
  attributes: ['packages'],
  systems: [system],
  limits: { secondsPerSystem: 3600, megabytes: 8192 },
  publicKeys: [],
  upstreams: [],
  flakeInputs: false,
}
try {
  await evaluate(job, {
    s3,
    staging: { s3, bucket, prefix: STAGING_PREFIX },
    cacheBucket: 'cache',
    zstdLevel: 6,
    folder,
    environment: cleanEnvironment(folder.home, process.env),
    say,
    redaction,
    access: new RepositoryAccess(job, { desk: undefined, folder: folder.path, redaction, say }),
  })
} finally {
  folder.remove()
}
const drvPaths = lines.flatMap((line) => /\/nix\/store\/\S+\.drv$/.exec(line)?.[0] ?? [])
if (drvPaths.length === 0) throw new Error(`nothing was evaluated:\n${lines.join('\n')}`)
process.stdout.write(`${drvPaths.join('\n')}\n`)

import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { listObjects } from '../../functions/shared/list-objects.ts'
import { benchS3 } from '../bench-s3.ts'
import { STATE } from '../plan-buckets.ts'

/** Deletes what is remembered of caches: the index of ours, and the upstreams' memory. Arguments: the S3 endpoint. */
const [endpoint = ''] = process.argv.slice(2)
const s3 = benchS3(endpoint)
for (const prefix of ['index/', 'upstreams/'])
  for await (const { key } of listObjects({ s3, name: STATE }, prefix))
    await s3.send(new DeleteObjectCommand({ Bucket: STATE, Key: key }))
s3.destroy()

import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { type Bucket, isMissing } from '../objects.ts'
import type { Fault } from './fault.ts'

/**
 * Whether the NAR of a narinfo is there with its FileSize.
 * @param key of the narinfo
 */
export async function confirmNar(
  cache: Bucket,
  key: string,
  nar: string,
  fileSize: number,
): Promise<Fault | undefined> {
  try {
    const { ContentLength } = await cache.s3.send(new HeadObjectCommand({ Bucket: cache.name, Key: nar }))
    if (ContentLength === fileSize) return undefined
    const detail = `${nar} has ${ContentLength ?? 0} bytes, and FileSize is ${fileSize}`
    return { fault: 'nar-size', key, detail }
  } catch (error) {
    if (isMissing(error)) return { fault: 'nar-missing', key, detail: `there is no ${nar}` }
    throw error
  }
}

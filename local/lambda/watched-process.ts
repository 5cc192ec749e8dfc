import type { ChildProcess } from 'node:child_process'
import { readLines } from '../process/lines.ts'
import { endMarker, type FromRuntime } from './runtime-protocol.ts'

/** What is known of a running child, and whoever waits for its next message. */
export interface WatchedProcess {
  /** set once it has ended: why, in Lambda's words */
  ended?: string
  loaded?: FromRuntime
  closed: Promise<void>
  next(
    matches: (message: FromRuntime) => boolean,
    milliseconds: number,
  ): Promise<FromRuntime | 'timeout' | 'ended'>
  /** resolves when both output streams have given this request's end marker */
  flushed(requestId: string): Promise<void>
}

/** Follows a function's process: what it says, what it prints, and that it ended. */
export function watch(child: ChildProcess, onLines: (lines: string[]) => void): WatchedProcess {
  const listeners = new Set<(message: FromRuntime | 'ended') => void>()
  const markers = new Map<string, { seen: number; resolve?: () => void }>()
  const seeMarker = (line: string): boolean => {
    if (!line.startsWith('\u0001end of ')) return false
    const marker = markers.get(line) ?? { seen: 0 }
    marker.seen += 1
    markers.set(line, marker)
    if (marker.seen === 2) marker.resolve?.()
    return true
  }
  const streams = [child.stdout, child.stderr].map((stream) =>
    stream === null
      ? Promise.resolve()
      : readLines(stream, (lines) => {
          const output = lines.filter((line) => !seeMarker(line) && line !== '')
          if (output.length > 0) onLines(output)
        }),
  )
  const waitForEnd = async (): Promise<void> => {
    const ended = await new Promise<string>((resolve) => {
      child.once('close', (code, signal) =>
        resolve(signal === null ? `exit status ${code ?? 0}` : `signal: ${signal}`),
      )
    })
    await Promise.all(streams)
    watched.ended ??= ended
    for (const listener of listeners) listener('ended')
    for (const marker of markers.values()) marker.resolve?.()
  }
  const watched: WatchedProcess = {
    closed: waitForEnd(),
    next: (matches, milliseconds) =>
      new Promise((resolve) => {
        if (watched.ended !== undefined) return resolve('ended')
        const finish = (result: FromRuntime | 'timeout' | 'ended'): void => {
          clearTimeout(timer)
          listeners.delete(listener)
          resolve(result)
        }
        const listener = (message: FromRuntime | 'ended'): void => {
          if (message === 'ended' || matches(message)) finish(message)
        }
        const timer = setTimeout(() => finish('timeout'), milliseconds)
        listeners.add(listener)
      }),
    flushed: (requestId) =>
      new Promise((resolve) => {
        const key = endMarker(requestId)
        const marker = markers.get(key) ?? { seen: 0 }
        const done = (): void => {
          markers.delete(key)
          resolve()
        }
        if (marker.seen >= 2 || watched.ended !== undefined) return done()
        marker.resolve = done
        markers.set(key, marker)
      }),
  }
  child.on('message', (received: FromRuntime) => {
    if (received.kind === 'ready' || received.kind === 'load-failed') watched.loaded = received
    for (const listener of listeners) listener(received)
  })
  child.once('error', (error) => {
    watched.ended ??= error.message
  })
  return watched
}

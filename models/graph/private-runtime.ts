/**
 * onnxruntime's Linux library keeps usage events with an id of the machine in the user's cache folder, for an upload to its maker, unless this
 * variable is set. It looks for it in the environment of the process, not of a thread, when the first session is opened.
 */
export function keepRuntimePrivate(): void {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
}

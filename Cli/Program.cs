using MoEActors.Cli;

using var hangup = Hangup.Watch();
return hangup.CodeOf(await CommandLine.RunAsync(args, ProgramWriter.Output(), ProgramWriter.Error(), hangup.Cancellation));

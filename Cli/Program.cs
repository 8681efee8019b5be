using var hangup = Hangup.Watch();
return hangup.CodeOf(await MoEActors.Cli.CommandLine.RunAsync(args, ProgramWriter.Output(), ProgramWriter.Error(), hangup.Cancellation));

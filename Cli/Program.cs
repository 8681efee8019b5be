using System.Globalization;

// Whatever language the machine speaks: numbers are read, and compared, by programs too.
CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentUICulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
using var hangup = Hangup.Watch();
using var output = ProgramWriter.Output(hangup.ReaderIsGone);
using var error = ProgramWriter.Error();
return hangup.CodeOf(await MoEActors.Cli.CommandLine.RunAsync(args, output, error, hangup.Cancellation));

using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Screen;
using MoEActors.Dashboard.Boards;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Top;

/// <summary>A cluster on a terminal: silos with their load, experts, balance, decisions and failures, as far as there are rows for them.</summary>
internal static class TopScreen
{
    private const int LeastSilos = 6, LayersShown = 12, DecisionsShown = 4, NotesShown = 5;

    private const char Full = '█', Empty = '░';

    /// <summary>Draws a reading.</summary>
    /// <param name="reading">What to show.</param>
    /// <param name="source">Where it comes from.</param>
    /// <param name="canvas">What there is to draw on; no line is wider, and there are no more lines.</param>
    /// <param name="now">Highlights go by it.</param>
    public static IReadOnlyList<SegmentLine> Of(TopReading reading, string source, ScreenCanvas canvas, DateTimeOffset now)
    {
        int width = canvas.Width;
        ScreenPart[] parts = [ScreenPart.Of(1, Headline(reading, source, width)), Silos(reading, width)];
        if (reading.Model is { } model)
        {
            TrainingProgress progress = Progress(model);
            parts =
            [
                .. parts,
                ExpertGrid.Part(4, progress, width, now),
                Balance(model, width),
                Lines(6, "decisions of the director", [.. model.Decisions.Select(one => $"step {one.At:N0}, {one.State}: {one.WithEffect()}")], DecisionsShown, width, Ink.Faint),
                Lines(3, "failures", [.. model.Notes.Where(IsFailure).Select(Text)], NotesShown, width, Ink.Frequencies),
                Lines(7, "what else happened", [.. model.Notes.Where(note => !IsFailure(note)).Select(Text)], NotesShown, width, Ink.Faint),
            ];
        }

        return ScreenPart.Stack(parts, canvas.Rows);
    }

    private static List<SegmentLine> Headline(TopReading reading, string source, int width)
    {
        List<SegmentLine> lines = [ScreenLine.Of(WordWrap.Fit($"moe top, {VisibleText.OfName(source)}, {reading.Time.ToLocalTime():HH:mm:ss}", width), Ink.Faint)];
        if (reading.Problem is { } problem)
        {
            lines.Add(ScreenLine.Of(WordWrap.Fit(VisibleText.OfName(problem), width), Ink.Frequencies));
        }

        if (reading.Model is not { } model)
        {
            lines.Add(ScreenLine.Of(WordWrap.Fit("There is no model.", width), Ink.Strong));
            return lines;
        }

        StatusPicture status = model.Status;
        lines.Add(ScreenLine.Of(WordWrap.Fit($"{VisibleText.OfName(status.Name)}, {Wording.Step(status.Step, null)}", width), Ink.Strong));
        List<string> figures = [];
        if (status.Newest is { } newest)
        {
            figures.AddRange([Wording.Loss(newest.CrossEntropy), Wording.Speed(newest.Tokens / newest.Seconds), Wording.LearningRate(newest.LearningRate)]);
            if (newest.DroppedTokens > 0)
            {
                figures.Add(Wording.Dropped((double)newest.DroppedTokens / newest.ChosenTokens));
            }
        }

        double[] ratios = [.. model.Layers.Where(layer => layer.Ratio is not null).Select(layer => layer.Ratio!.Value)];
        if (ratios.Length > 0)
        {
            figures.Add(Wording.Unevenness(ratios.Max()));
        }

        figures.Add(Wording.Count(model.Layers.Sum(layer => layer.DeadExperts), "dead expert"));
        figures.Add(status.View == 0 ? "no open view" : $"view {status.View:N0}");
        figures.Add(status.Director is { } director ? $"director {director.Policy}" : "no director");
        figures.Add(status.SnapshotStep > 0 ? $"snapshot of step {status.SnapshotStep:N0}" : "no snapshot yet");
        if (reading.Models.Count > 1)
        {
            figures.Add($"other models: {string.Join(", ", reading.Models.Where(other => other.Name != status.Name).Select(other => VisibleText.OfName(other.Name)))}");
        }

        lines.AddRange(ScreenLine.Flow(figures.Select(figure => ScreenLine.Of(WordWrap.Fit(figure, width))), width));
        return lines;
    }

    /// <summary>A line for each worker, and for each silo that has none.</summary>
    private static ScreenPart Silos(TopReading reading, int width)
    {
        IReadOnlyList<WorkerPicture> workers = reading.Model?.Workers ?? [];
        string[] letters = [.. workers.Select(worker => worker.Silo).Distinct()];
        string[] names = [.. reading.Silos.Select(silo => silo.Name).Union(letters)];
        int name = Math.Clamp(names.Select(one => WordWrap.Cells(VisibleText.OfName(one))).DefaultIfEmpty(4).Max() + 2, 6, Math.Max(6, width / 4));
        const int State = 10, Share = 4, Speed = 11, Memory = 15, Time = 22;
        int bar = Math.Clamp(width - name - State - Share - Speed - Memory - Time, 0, 30);
        SegmentLine head = ScreenLine.Of(
            "  worker".PadRight(name) + " state".PadRight(State) + "load".PadRight(bar + Share) + "tokens/s ".PadLeft(Speed) + "memory ".PadLeft(Memory) + "compute exchange wait", Ink.Faint);
        List<SegmentLine> lines = [Cut(head, width)];
        foreach (string silo in names)
        {
            TopSilo? known = reading.Silos.FirstOrDefault(one => one.Name == silo);
            WorkerPicture[] own = [.. workers.Where(worker => worker.Silo == silo)];
            Style ink = Array.IndexOf(letters, silo) is >= 0 and int letter ? Ink.OfSilo(letter) : Ink.Faint;
            foreach (WorkerPicture? worker in own.DefaultIfEmpty())
            {
                string mark = worker is null ? " " : $"{Ink.LetterOf(Array.IndexOf(letters, silo))}";
                string label = own.Length > 1 && worker is not null ? $"{VisibleText.OfName(silo)}/{worker.Index}" : VisibleText.OfName(silo);
                string state = known?.State ?? "";
                SegmentLine line = ScreenLine.Of($"{mark} {Fitted(label, name - 2)}", ink).With($" {state}".PadRight(State), state == "lost" ? Ink.Frequencies : Style.Plain);
                if (worker is not null)
                {
                    int filled = (int)Math.Round(Math.Clamp((worker.Share ?? 0) * workers.Count / 2, 0, 1) * bar);
                    line.With(new string(Full, filled), ink).With(new string(Empty, bar - filled), Ink.Ahead)
                        .With((worker.Share is { } share ? $"{share * 100:0}%" : "-").PadLeft(Share))
                        .With((worker.TokensPerSecond is { } speed ? $"{speed:N0}" : "-").PadLeft(Speed - 1).PadRight(Speed))
                        .With($"{worker.Used >> 20:N0}/{worker.Budget >> 20:N0} MiB ".PadLeft(Memory))
                        .With(worker.Time is { } time ? $"{time.Compute * 100,6:0}%{time.Exchange * 100,8:0}%{time.Waiting * 100,4:0}%" : "");
                }

                lines.Add(Cut(line, width));
            }
        }

        return new ScreenPart(2, Math.Min(lines.Count, LeastSilos), lines.Count, rows => rows >= lines.Count ? lines : [.. lines.Take(rows - 1), ScreenLine.Of(WordWrap.Fit($"and {lines.Count - rows + 1} more", width), Ink.Faint)]);
    }

    /// <summary>A bar for each layer: how far its busiest worker is above the mean.</summary>
    private static ScreenPart Balance(TopModel model, int width)
    {
        LayerPicture[] layers = [.. model.Layers.Where(layer => layer.Experts > 0 && layer.Ratio is not null)];
        int most = Math.Min(layers.Length, LayersShown);
        int workers = Math.Max(2, model.Workers.Count);
        return new ScreenPart(5, Math.Min(2, most), most, rows => [.. layers.OrderByDescending(layer => layer.Ratio).Take(rows).OrderBy(layer => layer.Layer).Select(layer =>
        {
            string label = $"layer {layer.Layer}".PadRight(9);
            string figures = $" {Wording.Unevenness(layer.Ratio!.Value)}  {Wording.Count(layer.DeadExperts, "dead expert")}{(layer.Dropped > 0 ? $"  {layer.Dropped:N0} dropped" : "")}{Travels(layer)}";
            int bar = Math.Clamp(width - label.Length - figures.Length, 0, 30);
            int filled = (int)Math.Round(Math.Clamp((layer.Ratio.Value - 1) / (workers - 1), 0, 1) * bar);
            return Cut(ScreenLine.Of(label, Ink.Faint).With(new string(Full, filled), Ink.Frequencies).With(new string(Empty, bar - filled), Ink.Ahead).With(figures), width);
        })]);
    }

    /// <summary>What travels in a layer, where that is something else than rows to whole experts, straight.</summary>
    private static string Travels(LayerPicture layer) => layer is { Parallelism: LayerParallelism.Expert, Slices: 1, Exchange: AllToAll.Linear }
        ? ""
        : $"  {Wording.Travels(layer.Parallelism, layer.Slices, layer.Exchange, layer.TransientCopies)}";

    /// <summary>The last of some lines below a title.</summary>
    private static ScreenPart Lines(int rank, string title, string[] texts, int most, int width, Style style) => texts.Length == 0
        ? ScreenPart.Of(rank, [])
        : new ScreenPart(rank, 2, 1 + Math.Min(most, texts.Length), rows =>
        [
            ScreenLine.Of(WordWrap.Fit(title, width), Ink.Strong),
            .. texts.TakeLast(Math.Max(1, rows - 1)).Select(text => Cut(ScreenLine.Of("  ").With(WordWrap.Fit(VisibleText.OfName(text), Math.Max(1, width - 2)), style), width)),
        ]);

    /// <summary>The model as the screen of a run has it.</summary>
    private static TrainingProgress Progress(TopModel model)
    {
        string[] silos = [.. model.Workers.Select(worker => worker.Silo).Distinct()];
        int SiloOf(int rank) => rank < model.Workers.Count ? Array.IndexOf(silos, model.Workers[rank].Silo) : 0;
        return new TrainingProgress
        {
            Step = model.Status.Step,
            Loss = model.Status.Newest?.CrossEntropy ?? double.NaN,
            Silos = [.. silos.Select(silo => new SiloShare(silo, model.Workers.Where(worker => worker.Silo == silo).Sum(worker => worker.Share ?? 0)))],
            Layers =
            [
                .. model.Experts.Select(layer => new ExpertLayer(layer.Layer, [.. layer.Tokens.Select((tokens, expert) =>
                    new ExpertPlace(layer.Tokens.Average() is > 0 and double mean ? tokens / mean : 0, [.. layer.Ranks[expert].Select(SiloOf)]))])),
            ],
            Moved = [.. model.Experts.SelectMany(layer => layer.Moves.Select(move => new MovedExpert(layer.Layer, move.Expert, move.Time)))],
        };
    }

    private static bool IsFailure(NotePicture note) => note.Kind is FeedNoteKind.Failure or FeedNoteKind.Recovery;

    private static string Text(NotePicture note) => $"{note.Time.ToLocalTime():HH:mm:ss} step {note.Step:N0}: {note.Text}";

    private static string Fitted(string text, int cells)
    {
        string fit = WordWrap.Fit(text, cells);
        return fit + new string(' ', Math.Max(0, cells - WordWrap.Cells(fit)));
    }

    /// <summary>A line without what does not fit.</summary>
    private static SegmentLine Cut(SegmentLine line, int width) => [.. Segment.Truncate(line, width)];
}

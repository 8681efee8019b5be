namespace Orleans.Runtime;

/// <summary>What a grain interface method returns.</summary>
internal enum ReturnShape
{
    Void,
    Task,
    TaskOfResult,
    ValueTask,
    ValueTaskOfResult,
}

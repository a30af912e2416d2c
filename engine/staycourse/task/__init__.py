"""What is trained: the user's task file, found, copied, called and checked.

Public API, none of which imports torch by itself (a user's file does):

- `sources.local_modules(file)`, `sources.copy_sources(file, folder)`: the file and its local imports;
- `arguments.build(add_arguments, values)`: the argparse namespace that the roadmap's `args` describe;
- `contract.Task.load(spec)`, `contract.Setup`: the functions of the sealed copy, called by parameter name;
- `python -m staycourse.task.inspection`: everything that only running the task can tell, JSON in and out.
"""
